/** `tessera kadmin listprincs`. */
import { listPrincipals } from "../../realm/principals.js";
import { defineCommand } from "../frame/command.js";
import { printJson, printLine } from "../screen/output.js";
import { entryFacts } from "../screen/principal-entry.js";
import { REALM_OPTIONS, withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin listprincs",
  usage: ["[--dir DIR] [PATTERN]"],
  description: "Lists the realm's principals, or those that a pattern with * fits.",
  examples: ["tessera kadmin listprincs", "tessera kadmin listprincs 'notes/*'"],
  options: REALM_OPTIONS,
  arguments: [0, 1],
  run: async ({ options, positionals, json }) =>
    withRealm(options.dir, async (realm) => {
      const found: Record<string, unknown>[] = [];
      for await (const entry of listPrincipals(realm, positionals[0])) {
        if (json) found.push(entryFacts(entry));
        else printLine(entry.principal);
      }
      if (json) printJson({ principals: found });
      return undefined;
    }),
});
