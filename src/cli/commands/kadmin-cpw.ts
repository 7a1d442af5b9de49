/** `tessera kadmin cpw`: a new password, or new random keys. */

import { krbtgtOf } from "../../protocol/principal.js";
import { currentKeys, currentKvno } from "../../protocol/principal-entry.js";
import { CommandError, defineCommand, UsageError } from "../command.js";
import {
  chosenEtypes,
  entryFacts,
  etypesOption,
  existingEntry,
  localPrincipal,
  PRESENT_ETYPES,
} from "../kadmin.js";
import { PASSWORD_OPTIONS, readNewPassword } from "../password.js";
import { REALM_OPTIONS, withPrincipals } from "../realm.js";
import { rekeyAtRandom, rekeyFromPassword } from "../rekey.js";
import { printJson, printLine } from "../screen/output.js";

export const command = defineCommand({
  name: "kadmin cpw",
  usage: ["[OPTION…] PRINCIPAL"],
  description:
    "Changes a principal's password, or with -randkey its random keys. The old version of random keys stays until the " +
    "longest ticket under it has expired; of an old password nothing stays.",
  examples: [
    "tessera kadmin cpw alice",
    "tessera kadmin cpw -randkey v/localhost",
    "tessera kadmin cpw -randkey -e aes256,aes128 krbtgt/EXAMPLE.TEST",
  ],
  options: {
    randkey: { help: "make random keys: for services" },
    ...etypesOption(PRESENT_ETYPES),
    ...PASSWORD_OPTIONS,
    ...REALM_OPTIONS,
  },
  arguments: [1, 1],
  run: async ({ options, positionals, json }) =>
    withPrincipals(options.dir, async (principals, realm) => {
      const principal = localPrincipal(positionals[0]!, realm);
      const withPassword = options["password-file"] !== undefined || options["password-stdin"];
      if (options.randkey && withPassword) throw new UsageError("-randkey goes with no password");
      const old = await existingEntry(principals, principal);
      const etypes = chosenEtypes(options.etypes, realm, currentKeys(old));
      if (!options.randkey && principal === krbtgtOf(realm.settings.realm))
        throw new CommandError("the realm's TGS has random keys, never a password", "use -randkey");
      const entry = options.randkey
        ? await rekeyAtRandom(principals, principal, etypes, realm.settings.maxLife, Date.now())
        : await rekeyFromPassword(
            principals,
            old,
            await readNewPassword(options, principal),
            etypes,
            Date.now(),
            realm.settings.iterations,
          );
      if (json) printJson(entryFacts(entry));
      else {
        printLine(
          `${principal}: ${options.randkey ? "new keys" : "new password"}, kvno ${currentKvno(entry)}`,
        );
        if (options.randkey && !principal.startsWith("krbtgt/"))
          printLine(`its keytab: tessera kadmin ktadd -norandkey -k FILE ${positionals[0]}`);
      }
      return undefined;
    }),
});
