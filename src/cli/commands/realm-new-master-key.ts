/** `tessera realm new-master-key`: rolls the master key over. */
import { beginNewMasterKey, newMasterKey } from "../../realm/new-master-key.js";
import { openRealmDirectory } from "../../realm/realm-directory.js";
import { defineCommand } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { counted } from "../screen/counted.js";

export const command = defineCommand({
  name: "realm new-master-key",
  usage: ["[--dir DIR] [--begin]"],
  description:
    "Gives the realm a new master key and seals every record under it, while the servers run: they take it " +
    "up by themselves. If it is interrupted, every record still opens; run it again, and it goes on. " +
    "Backups made before need the old master.key: keep it with them. Where several machines serve the " +
    "realm from one database, begin with --begin, copy master.key to the others, run it again without, and " +
    "copy master.key once more.",
  examples: ["tessera realm new-master-key", "tessera realm new-master-key --begin"],
  options: { ...REALM_OPTIONS, begin: { help: "only put the new key beside the old one, in master.key" } },
  arguments: [0, 0],
  run: async ({ options, json, screen, env }) => {
    const directory = await openRealmDirectory(realmDir(env, options.dir));
    if (options.begin) {
      const begun = await beginNewMasterKey(directory);
      if (json) screen.printJson({ realm: directory.settings.realm, begun });
      else screen.print(begun ? BEGUN : UNDER_WAY);
      return undefined;
    }
    const { records, resumed } = await newMasterKey(directory);
    if (json) screen.printJson({ realm: directory.settings.realm, records, resumed });
    else {
      if (resumed)
        screen.notice("finished a roll-over that had been interrupted; run it again for another key");
      screen.print(
        `realm ${directory.settings.realm}: ${counted(records, "record")} sealed under the new master key`,
      );
      if (directory.settings.database !== undefined) screen.notice(COPY);
    }
    return undefined;
  },
});

const COPY = "copy master.key to the realm's other machines: with the old one they open no record any more";
const BEGUN =
  "master.key holds the new key and the old one: copy it to the realm's other machines, then go on";
const UNDER_WAY = "a roll-over is under way already: master.key holds both keys";
