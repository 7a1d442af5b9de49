/** `tessera kadmin listprincs`: lists principals. */
import { listPrincipalNames, listPrincipals } from "../../realm/principals.js";
import type { Realm } from "../../realm/realm.js";
import { defineCommand } from "../frame/command.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { entryFacts } from "../screen/principal-entry.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin listprincs",
  usage: ["[--dir DIR] [PATTERN]"],
  description:
    "Lists the realm's principals, or those whose names match a pattern: * stands for any text, ? for any " +
    "character, [a-z] for one of a set. A pattern without @ is of this realm.",
  examples: [
    "tessera kadmin listprincs",
    "tessera kadmin listprincs 'notes/*'",
    "tessera kadmin listprincs 'host/web[0-9]?.example.org'",
  ],
  options: REALM_OPTIONS,
  arguments: [0, 1],
  run: async ({ options, positionals, json, screen, ...around }) =>
    withRealm(around, options.dir, async (realm) => {
      const [pattern] = positionals;
      if (json) await screen.printJsonList("principals", facts(realm, pattern));
      else await screen.printEach(listPrincipalNames(realm, pattern));
      return undefined;
    }),
});

async function* facts(realm: Realm, pattern: string | undefined) {
  for await (const entry of listPrincipals(realm, pattern)) yield entryFacts(entry, realm);
}
