/** `tessera kadmin addprinc`. */
import { addPasswordPrincipal, addRandomKeyPrincipal } from "../../realm/principal-keys.js";
import { defineCommand, UsageError } from "../frame/command.js";
import {
  chosenLimits,
  etypesOption,
  LIMIT_OPTIONS,
  typedEtypes,
  typedPrincipal,
} from "../options/kadmin-options.js";
import { PASSWORD_OPTIONS, readNewPassword } from "../options/password.js";
import { printJson, printLine } from "../screen/output.js";
import { entryFacts } from "../screen/principal-entry.js";
import { REALM_OPTIONS, withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin addprinc",
  usage: ["[OPTION…] PRINCIPAL"],
  description:
    "Adds a principal to the realm on this machine: a person with a password, or with -randkey a service. No ticket is " +
    "ever issued for a principal with a password, so a service needs -randkey.",
  examples: [
    "tessera kadmin addprinc alice",
    "tessera kadmin addprinc -randkey notes/db.example.test",
    "tessera kadmin addprinc --password-file ./alice.password --expire 2027-01-31 alice",
    "tessera kadmin addprinc -e aes256,aes128 bob",
  ],
  options: {
    randkey: { help: "make random keys: for services" },
    ...etypesOption("the profile's"),
    ...PASSWORD_OPTIONS,
    ...LIMIT_OPTIONS,
    ...REALM_OPTIONS,
  },
  arguments: [1, 1],
  run: async ({ options, positionals, json }) =>
    withRealm(options.dir, async (realm) => {
      const principal = typedPrincipal(positionals[0]!, realm);
      const withPassword = options["password-file"] !== undefined || options["password-stdin"];
      if (options.randkey && withPassword) throw new UsageError("-randkey goes with no password");
      const now = Date.now();
      const choice = { etypes: typedEtypes(options.etypes), limits: chosenLimits(options, now) };
      const password = () => readNewPassword(options, principal);
      const entry = options.randkey
        ? await addRandomKeyPrincipal(realm, principal, now, choice)
        : await addPasswordPrincipal(realm, principal, password, now, choice);
      if (json) printJson(entryFacts(entry));
      else {
        printLine(`${principal} added, ${entry.keys.map(({ key }) => key.etype.name).join(", ")}`);
        if (options.randkey)
          printLine(`its keytab: tessera kadmin ktadd -norandkey -k FILE ${positionals[0]}`);
      }
      return undefined;
    }),
});
