/** `tessera kadmin addprinc`. */
import { passwordPrincipal, randomKeyPrincipal } from "../../protocol/new-principal.js";
import { CommandError, defineCommand, UsageError } from "../command.js";
import {
  chosenEtypes,
  chosenLimits,
  entryFacts,
  etypesOption,
  LIMIT_OPTIONS,
  localPrincipal,
} from "../kadmin.js";
import { PASSWORD_OPTIONS, readNewPassword } from "../password.js";
import { REALM_OPTIONS, withPrincipals } from "../realm.js";
import { printJson, printLine } from "../screen/output.js";

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
    withPrincipals(options.dir, async (principals, realm) => {
      const principal = localPrincipal(positionals[0]!, realm);
      const etypes = chosenEtypes(options.etypes, realm);
      const withPassword = options["password-file"] !== undefined || options["password-stdin"];
      if (options.randkey && withPassword) throw new UsageError("-randkey goes with no password");
      // Asked before the password is: nobody types one in vain.
      if ((await principals.get(principal)) !== undefined)
        throw new CommandError(
          `${principal} exists already`,
          "cpw changes its password or keys, modprinc its limits",
        );
      const limits = chosenLimits(options, Date.now());
      const made = options.randkey
        ? randomKeyPrincipal(principal, etypes, Date.now())
        : await passwordPrincipal(
            principal,
            await readNewPassword(options, principal),
            etypes,
            Date.now(),
            realm.settings.iterations,
          );
      const entry = { ...made, ...limits };
      await principals.create(entry);
      if (json) printJson(entryFacts(entry));
      else {
        printLine(`${principal} added, ${entry.keys.map(({ key }) => key.etype.name).join(", ")}`);
        if (options.randkey)
          printLine(`its keytab: tessera kadmin ktadd -norandkey -k FILE ${positionals[0]}`);
      }
      return undefined;
    }),
});
