/** `tessera kadmin cpw`: changes a password or random keys. */
import { currentKvno } from "../../protocol/principal-entry.js";
import { changePassword } from "../../realm/principal-keys.js";
import { changeToRandomKeys } from "../../realm/random-keys.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { etypesOption, PRESENT_ETYPES, typedEtypes, typedPrincipal } from "../options/kadmin-options.js";
import { ABSENT_OF_KEYS } from "../options/mit-kadmin.js";
import { PASSWORD_OPTIONS, readNewPassword } from "../options/password.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { entryFacts } from "../screen/principal-entry.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin cpw",
  usage: ["[OPTION…] PRINCIPAL"],
  description:
    "Changes a principal's password, or with -randkey its random keys. Old random keys open tickets until " +
    "the longest ticket under them has ended; nothing stays of an old password. Earlier logins end, unless " +
    "the password stays the same: with -e that adds encryption types.",
  examples: [
    "tessera kadmin cpw alice",
    "tessera kadmin cpw -randkey v/localhost",
    "tessera kadmin cpw -randkey -e aes256,aes128 krbtgt/EXAMPLE.TEST",
  ],
  options: {
    randkey: { help: "make random keys, for a service" },
    "end-password": { help: "with -randkey: let a principal that has a password lose it" },
    ...etypesOption(PRESENT_ETYPES),
    ...PASSWORD_OPTIONS,
    ...REALM_OPTIONS,
  },
  absent: ABSENT_OF_KEYS,
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, now, stdin, ...around }) =>
    withRealm(around, options.dir, async (realm) => {
      const principal = typedPrincipal(positionals[0]!, realm);
      const withPassword = options["password-file"] !== undefined || options["password-stdin"];
      if (options.randkey && withPassword) throw new UsageError("-randkey goes with no password");
      if (options["end-password"] && !options.randkey)
        throw new UsageError("--end-password goes with -randkey");
      const etypes = typedEtypes(options.etypes);
      const password = () => readNewPassword(options, principal, stdin);
      const entry = options.randkey
        ? await changeToRandomKeys(realm, principal, etypes, now(), {
            endTgts: true,
            endPassword: options["end-password"],
          })
        : await changePassword(realm, principal, password, etypes, now());
      if (json) screen.printJson(entryFacts(entry, realm));
      else {
        screen.print(
          `${principal}: ${options.randkey ? "new keys" : "new password"}, kvno ${currentKvno(entry)}`,
        );
        if (options.randkey && !principal.startsWith("krbtgt/"))
          screen.print(`its keytab: tessera kadmin ktadd -norandkey -k FILE ${positionals[0]}`);
      }
      return undefined;
    }),
});
