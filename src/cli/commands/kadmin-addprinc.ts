/** `tessera kadmin addprinc`: adds a principal. */
import { addPasswordPrincipal, addRandomKeyPrincipal } from "../../realm/principal-keys.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import {
  chosenLimits,
  etypesOption,
  LIMIT_OPTIONS,
  typedEtypes,
  typedPrincipal,
} from "../options/kadmin-options.js";
import { PASSWORD_OPTIONS, readNewPassword } from "../options/password.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { entryFacts } from "../screen/principal-entry.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin addprinc",
  usage: ["[OPTION…] PRINCIPAL"],
  description:
    "Adds a principal to the realm on this machine: a person with a password, or with -randkey a service. " +
    "No ticket is ever issued for a principal with a password, so a service needs -randkey.",
  examples: [
    "tessera kadmin addprinc alice",
    "tessera kadmin addprinc -randkey notes/db.example.test",
    "tessera kadmin addprinc --password-file ./alice.password --expire 2027-01-31 alice",
    "tessera kadmin addprinc -e aes256,aes128 bob",
  ],
  options: {
    randkey: { help: "make random keys, for a service" },
    ...etypesOption("the profile's"),
    ...PASSWORD_OPTIONS,
    ...LIMIT_OPTIONS,
    ...REALM_OPTIONS,
  },
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, env, now, stdin }) =>
    withRealm(realmDir(env, options.dir), async (realm) => {
      const principal = typedPrincipal(positionals[0]!, realm);
      const withPassword = options["password-file"] !== undefined || options["password-stdin"];
      if (options.randkey && withPassword) throw new UsageError("-randkey goes with no password");
      const time = now();
      const choice = { etypes: typedEtypes(options.etypes), limits: chosenLimits(options, time) };
      const password = () => readNewPassword(options, principal, stdin);
      const entry = options.randkey
        ? await addRandomKeyPrincipal(realm, principal, time, choice)
        : await addPasswordPrincipal(realm, principal, password, time, choice);
      if (json) screen.printJson(entryFacts(entry, realm));
      else {
        screen.print(`${principal} added, ${entry.keys.map(({ key }) => key.etype.name).join(", ")}`);
        if (options.randkey)
          screen.print(`its keytab: tessera kadmin ktadd -norandkey -k FILE ${positionals[0]}`);
      }
      return undefined;
    }),
});
