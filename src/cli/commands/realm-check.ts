/** `tessera realm check`: opens every record of a realm. */
import { checkRealm } from "../../realm/move/check.js";
import type { RecordFault } from "../../realm/move/sealed-records.js";
import { HALF_FILLED } from "../../realm/move/unfinished-move.js";
import { openRealmDirectory } from "../../realm/realm-directory.js";
import { CommandError, defineCommand } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { counted } from "../screen/counted.js";
import { Progress } from "../screen/progress.js";

/** How many faults are shown one by one. */
const SHOWN = 20;

export const command = defineCommand({
  name: "realm check",
  usage: ["[--dir DIR]"],
  description:
    "Opens every record of the realm, and every key in it, under the realm's master key; names those that " +
    "don't open. Also while servers run. Exits with 1 if something is wrong.",
  examples: ["tessera realm check", "tessera realm check --json"],
  options: REALM_OPTIONS,
  arguments: [0, 0],
  run: async ({ options, json, screen, env }) => {
    const directory = await openRealmDirectory(realmDir(env, options.dir));
    const progress = new Progress(screen);
    const faults: RecordFault[] = [];
    const principals = await checkRealm(
      directory,
      (fault) => {
        faults.push(fault);
        if (!json && faults.length <= SHOWN) screen.print(fault.error.message);
      },
      (count) => progress.show(count, undefined),
    );
    screen.clearStatus();
    const { realm } = directory.settings;
    if (!json && faults.length > SHOWN) screen.print(`… and ${counted(faults.length - SHOWN, "fault")} more`);
    if (json)
      screen.printJson({
        realm,
        principals,
        faults: faults.map(({ name, error }) => ({ name, text: error.message })),
      });
    if (faults.length > 0)
      throw new CommandError(
        `realm ${realm}: ${counted(faults.length, "fault")} among ${counted(principals, "principal")}`,
        adviceOn(faults, principals),
        "corrupt",
      );
    if (!json) screen.print(`realm ${realm}: ${counted(principals, "principal")}, every record opens`);
    return undefined;
  },
});

function adviceOn(faults: readonly RecordFault[], principals: number): string {
  const codes = faults.map(({ error }) => (error as { code?: unknown }).code);
  if (principals > 0 && codes.filter((code) => code === "wrong-key").length === principals)
    return "no record opens: put the realm's own master.key into its folder";
  if (faults.some(({ error }) => error.message.startsWith(HALF_FILLED)))
    return "run the load or the copy again: it goes on where it stopped";
  return "load what is broken from a dump (tessera realm load --update), or delete it and make it anew";
}
