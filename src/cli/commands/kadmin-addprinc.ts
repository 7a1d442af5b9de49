/** `tessera kadmin addprinc`: adds a principal. */
import { addPasswordPrincipal, addRandomKeyPrincipal } from "../../realm/principal-keys.js";
import { withAllCores } from "../batch/all-cores.js";
import { defineCommand, UsageError } from "../frame/command.js";
import {
  chosenLimits,
  etypesOption,
  LIMIT_OPTIONS,
  typedEtypes,
  typedPrincipal,
} from "../options/kadmin-options.js";
import { ABSENT_OF_PRINCIPALS } from "../options/mit-kadmin.js";
import { PASSWORD_OPTIONS, readNewPassword } from "../options/password.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { entryFacts } from "../screen/principal-entry.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin addprinc",
  usage: ["[OPTION…] PRINCIPAL", "--from FILE [--skip-existing] [OPTION…]"],
  description:
    "Adds a principal to the realm on this machine: a person with a password, or with -randkey a service. " +
    "No ticket is ever issued for a principal with a password, so a service needs -randkey. --from adds " +
    "the principals of a table: CSV whose first line names the columns, principal and password, and " +
    "etypes, disable, expire, pw-expire, max-life, max-renewable-life if they are wanted. An empty " +
    "password makes random keys; an empty cell takes what the options say. Every line is checked before " +
    "any is added.",
  examples: [
    "tessera kadmin addprinc alice",
    "tessera kadmin addprinc -randkey notes/db.example.test",
    "tessera kadmin addprinc --password-file ./alice.password --expire 2027-01-31 alice",
    "tessera kadmin addprinc -e aes256,aes128 bob",
    "tessera kadmin addprinc --from users.csv --pw-expire now",
  ],
  options: {
    randkey: { help: "make random keys, for a service" },
    from: { value: "FILE", help: "a table of principals, a file that only you can read; - for stdin" },
    "skip-existing": { help: "with --from: leave principals that exist as they are" },
    ...etypesOption("the profile's"),
    ...PASSWORD_OPTIONS,
    ...LIMIT_OPTIONS,
    ...REALM_OPTIONS,
  },
  absent: { ...ABSENT_OF_PRINCIPALS, unlock: "a new principal has no failed logins" },
  arguments: [0, 1],
  run: async ({ options, positionals, json, screen, now, stdin, ...around }) => {
    const { from } = options;
    const withPassword = options["password-file"] !== undefined || options["password-stdin"];
    if (from !== undefined) {
      if (positionals.length > 0 || options.randkey || withPassword)
        throw new UsageError("--from takes principals and passwords from its file alone");
      const code = await withAllCores(around);
      if (code !== undefined) return code;
      const { addFromTable } = await import("../batch/add-from-table.js");
      return withRealm(around, options.dir, async (realm) => {
        await addFromTable(realm, { ...options, from, json }, { screen, now, stdin });
        return undefined;
      });
    }
    if (positionals.length === 0) throw new UsageError("an argument is missing");
    if (options["skip-existing"]) throw new UsageError("--skip-existing goes with --from");
    if (options.randkey && withPassword) throw new UsageError("-randkey goes with no password");
    return withRealm(around, options.dir, async (realm) => {
      const principal = typedPrincipal(positionals[0]!, realm);
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
    });
  },
});
