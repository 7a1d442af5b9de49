/** `tessera realm dump`: writes a realm's principals into a file. */
import { dumpRealm } from "../../realm/move/dump.js";
import { openRealmDirectory } from "../../realm/realm-directory.js";
import { defineCommand } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { counted } from "../screen/counted.js";
import { Progress } from "../screen/progress.js";

export const command = defineCommand({
  name: "realm dump",
  usage: ["[--dir DIR] FILE"],
  description:
    "Writes all principals and the realm's settings into a file, also while servers run. Their keys stay " +
    "sealed under the master key, which is not in the file: keep master.key apart. A dump is sealed as a " +
    "whole, so that one that was cut short or altered is never loaded.",
  examples: ["tessera realm dump realm.dump"],
  options: REALM_OPTIONS,
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, env, now }) => {
    const [file] = positionals as [string];
    const directory = await openRealmDirectory(realmDir(env, options.dir));
    const progress = new Progress(screen);
    const principals = await dumpRealm(directory, file, now(), (count, fraction) =>
      progress.show(count, fraction),
    );
    screen.clearStatus();
    const { realm } = directory.settings;
    if (json) screen.printJson({ realm, principals, file });
    else screen.print(`realm ${realm}: ${counted(principals, "principal")} written to ${file}`);
    return undefined;
  },
});
