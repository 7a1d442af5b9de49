/** `tessera realm copy`: copies the principals of one database into another. */
import { copyPrincipals } from "../../realm/move/copy.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { counted } from "../screen/counted.js";
import { Progress } from "../screen/progress.js";

export const command = defineCommand({
  name: "realm copy",
  usage: ["[--update] FROM TO"],
  description:
    "Copies all principals from one database to another, also while servers run on the first: it goes over " +
    "them until both are the same. Records stay sealed under the realm's master key, which is neither read " +
    "nor copied. If it is interrupted, run it again, and it goes on.",
  examples: ["tessera realm copy lmdb:./realm/principals 'postgres://kdc@db/tessera?realm=EXAMPLE.ORG'"],
  options: {
    update: { help: "make a database that has principals already like the first; others in it are removed" },
  },
  arguments: [2, 2],
  run: async ({ options, positionals, json, screen }) => {
    const [from, to] = positionals as [string, string];
    const progress = new Progress(screen);
    const { written, removed, resumed } = await copyPrincipals(from, to, options, (count) =>
      progress.show(count, undefined),
    ).catch((error: unknown) => {
      throw error instanceof RangeError ? new UsageError(error.message) : error;
    });
    screen.clearStatus();
    if (json) screen.printJson({ written, removed, resumed });
    else {
      if (resumed) screen.notice("a copy from there had begun before; now it is whole");
      const also = removed === 0 ? "" : `, ${removed} removed`;
      screen.print(`${counted(written, "principal")} copied${also}`);
    }
    return undefined;
  },
});
