/** `tessera kadmin delprinc`. */
import { CommandError, defineCommand } from "../command.js";
import { existingEntry, localPrincipal, protectTgs } from "../kadmin.js";
import { REALM_OPTIONS, withPrincipals } from "../realm.js";
import { printJson, printLine } from "../screen/output.js";

export const command = defineCommand({
  name: "kadmin delprinc",
  usage: ["[--dir DIR] PRINCIPAL"],
  description:
    "Deletes a principal with its keys. It gets no more tickets; service tickets that it holds live until they end. " +
    "The realm's own TGS can't be deleted.",
  examples: ["tessera kadmin delprinc bob"],
  options: REALM_OPTIONS,
  arguments: [1, 1],
  run: async ({ options, positionals, json }) =>
    withPrincipals(options.dir, async (principals, realm) => {
      const principal = localPrincipal(positionals[0]!, realm);
      protectTgs(principal, realm);
      // A record that does not open can still be deleted, so a missing one is told apart only afterwards.
      if (!(await principals.delete(principal))) {
        await existingEntry(principals, principal);
        throw new CommandError(`there is no principal ${principal}`);
      }
      if (json) printJson({ deleted: principal });
      else printLine(`${principal} deleted`);
      return undefined;
    }),
});
