/** `tessera realm load`: fills a realm's database from a dump. */
import { loadDump, realmForDump } from "../../realm/move/load.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { counted } from "../screen/counted.js";
import { Progress } from "../screen/progress.js";

export const command = defineCommand({
  name: "realm load",
  usage: ["[--dir DIR] [--master-key FILE [--database URL]] [--update] FILE"],
  description:
    "Fills a realm's database with the principals of a dump, also while servers run. The whole dump is " +
    "checked before anything is written. Into a folder that is not there yet, it makes the realm with the " +
    "dump's settings and a copy of the master key. If it is interrupted, run it again: it goes on, and " +
    "until then the realm opens for nothing else.",
  examples: [
    "tessera realm load --dir ./restored --master-key master.key realm.dump",
    "tessera realm load --update realm.dump",
  ],
  options: {
    ...REALM_OPTIONS,
    "master-key": { value: "FILE", help: "the master key of a realm that this makes; its file is copied" },
    database: { value: "URL", help: "where such a realm has its principals: postgres://…; its folder" },
    update: { help: "replace principals that are there already; those that the dump lacks stay" },
  },
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, env }) => {
    const [file] = positionals as [string];
    if (options.database !== undefined && options["master-key"] === undefined)
      throw new UsageError("--database: only for a realm that this makes, with --master-key");
    const directory = await realmForDump(realmDir(env, options.dir), file, {
      masterKeyFile: options["master-key"],
      database: options.database,
      rules: options,
    });
    const progress = new Progress(screen);
    const { records, resumed } = await loadDump(directory, file, options, ({ done, fraction }) =>
      progress.show(done, fraction),
    );
    screen.clearStatus();
    const { dir, settings } = directory;
    if (json) screen.printJson({ realm: settings.realm, principals: records, dir, resumed });
    else {
      if (resumed) screen.notice("a load of this dump had begun before; now it is whole");
      screen.print(`realm ${settings.realm}: ${counted(records, "principal")} loaded into ${dir}`);
    }
    return undefined;
  },
});
