/** `tessera kadmin delprinc`. */
import { deletePrincipal } from "../../realm/principals.js";
import { defineCommand } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import { typedPrincipal } from "../options/kadmin-options.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin delprinc",
  usage: ["[--dir DIR] PRINCIPAL"],
  description:
    "Deletes a principal with its keys. It gets no more tickets; service tickets that it holds live until they end. " +
    "The realm's own TGS can't be deleted.",
  examples: ["tessera kadmin delprinc bob"],
  options: REALM_OPTIONS,
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, env }) =>
    withRealm(realmDir(env, options.dir), async (realm) => {
      const principal = await deletePrincipal(realm, typedPrincipal(positionals[0]!, realm));
      if (json) screen.printJson({ deleted: principal });
      else screen.print(`${principal} deleted`);
      return undefined;
    }),
});
