/** `tessera kadmin listprincs`: lists principals. */
import { listPrincipals } from "../../realm/principals.js";
import { defineCommand } from "../frame/command.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { entryFacts } from "../screen/principal-entry.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin listprincs",
  usage: ["[--dir DIR] [PATTERN]"],
  description: "Lists the realm's principals, or those that match a pattern with *.",
  examples: ["tessera kadmin listprincs", "tessera kadmin listprincs 'notes/*'"],
  options: REALM_OPTIONS,
  arguments: [0, 1],
  run: async ({ options, positionals, json, screen, ...around }) =>
    withRealm(around, options.dir, async (realm) => {
      const found: Record<string, unknown>[] = [];
      for await (const entry of listPrincipals(realm, positionals[0])) {
        if (json) found.push(entryFacts(entry, realm));
        else screen.print(entry.principal);
      }
      if (json) screen.printJson({ principals: found });
      return undefined;
    }),
});
