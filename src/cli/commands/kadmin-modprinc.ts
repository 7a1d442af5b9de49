/** `tessera kadmin modprinc`. */
import { defineCommand, UsageError } from "../command.js";
import {
  chosenLimits,
  entryFacts,
  existingEntry,
  LIMIT_OPTIONS,
  localPrincipal,
  protectTgs,
} from "../kadmin.js";
import { REALM_OPTIONS, withPrincipals } from "../realm.js";
import { printJson, printLine } from "../screen/output.js";

export const command = defineCommand({
  name: "kadmin modprinc",
  usage: ["OPTION… PRINCIPAL"],
  description:
    "Changes what a principal may: it counts from the next ticket on. Tickets that were issued live on. The value none " +
    "takes a limit of the principal's own back.",
  examples: [
    "tessera kadmin modprinc --disable alice",
    "tessera kadmin modprinc --expire 2027-01-31 --max-life 1h bob",
    "tessera kadmin modprinc --max-life none --expire none bob",
    "tessera kadmin modprinc --pw-expire now alice",
  ],
  options: { ...LIMIT_OPTIONS, ...REALM_OPTIONS },
  arguments: [1, 1],
  run: async ({ options, positionals, json }) =>
    withPrincipals(options.dir, async (principals, realm) => {
      const principal = localPrincipal(positionals[0]!, realm);
      const now = Date.now();
      const limits = chosenLimits(options, now);
      if (Object.keys(limits).length === 0) throw new UsageError("nothing to change; see the options");
      if (limits.disabled || limits.expiresAt !== undefined) protectTgs(principal, realm);
      await existingEntry(principals, principal);
      const entry = await principals.change(principal, (old) => ({ ...old, ...limits, modifiedAt: now }));
      if (json) printJson(entryFacts(entry));
      else printLine(`${principal} changed`);
      return undefined;
    }),
});
