/** `tessera kadmin delprinc`: deletes a principal. */
import { deletePrincipal } from "../../realm/principals.js";
import { CommandError, defineCommand } from "../frame/command.js";
import { typedPrincipal } from "../options/kadmin-options.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { confirm } from "../screen/terminal.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin delprinc",
  usage: ["[-force] PRINCIPAL"],
  description:
    "Deletes a principal with its keys, after asking. It gets no more tickets, nor does a new principal of " +
    "that name for logins of the old one; the service tickets that it holds stay valid until they end. The " +
    "realm's own TGS can't be deleted.",
  examples: ["tessera kadmin delprinc bob", "tessera kadmin delprinc -force bob"],
  options: { force: { help: "do not ask" }, ...REALM_OPTIONS },
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, ...around }) =>
    withRealm(around, options.dir, async (realm) => {
      const named = typedPrincipal(positionals[0]!, realm);
      if (!options.force && !(await confirm(`Delete ${named} with all its keys?`, "give -force")))
        throw new CommandError(`${named} was not deleted`);
      const principal = await deletePrincipal(realm, named);
      if (json) screen.printJson({ deleted: principal });
      else screen.print(`${principal} deleted`);
      return undefined;
    }),
});
