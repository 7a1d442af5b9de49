/** `tessera kadmin getprinc`: shows a principal without its keys. */
import { existingPrincipal, loginRecord } from "../../realm/principals.js";
import { defineCommand } from "../frame/command.js";
import { typedPrincipal } from "../options/kadmin-options.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { columns } from "../screen/layout.js";
import { entryFacts, entryRows, loginRows } from "../screen/principal-entry.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin getprinc",
  usage: ["[--dir DIR] PRINCIPAL"],
  description:
    "Shows a principal: its state, its limits, the versions and encryption types of its keys, and its " +
    "logins as the servers on this machine saw them; never a key.",
  examples: ["tessera kadmin getprinc alice"],
  options: REALM_OPTIONS,
  absent: { terse: "--json prints for programs" },
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, now, ...around }) =>
    withRealm(around, options.dir, async (realm) => {
      const entry = await existingPrincipal(realm, typedPrincipal(positionals[0]!, realm));
      const logins = await loginRecord(realm, entry.principal);
      if (json) screen.printJson(entryFacts(entry, realm, logins));
      else screen.printAll(columns([...entryRows(entry, realm, now()), ...loginRows(logins)]));
      return undefined;
    }),
});
