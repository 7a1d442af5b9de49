/** `tessera kadmin ktadd`: a service's keys into its keytab. */
import { krbtgtOf, type Principal } from "../../protocol/principal.js";
import { currentKeys, currentKvno, type PrincipalEntry } from "../../protocol/principal-entry.js";
import { CommandError, defineCommand, UsageError } from "../command.js";
import { keytabPath } from "../environment.js";
import { chosenEtypes, etypesOption, existingEntry, localPrincipal, PRESENT_ETYPES } from "../kadmin.js";
import { checkKeytabTarget, writeKeytab } from "../keytab.js";
import { REALM_OPTIONS, withPrincipals } from "../realm.js";
import { rekeyAtRandom } from "../rekey.js";
import { printJson, printLine } from "../screen/output.js";

export const command = defineCommand({
  name: "kadmin ktadd",
  usage: ["[-k FILE] [-norandkey] [-e ETYPE,…] PRINCIPAL…"],
  description:
    "Writes keys of services into a keytab. As with MIT's ktadd, the keys are made anew, so that no other copy of them is " +
    "good any longer; -norandkey writes those there are. Old versions stay in the keytab as long as in the realm, so " +
    "tickets in use go on working. A running service reads its keytab again by itself.",
  examples: [
    "tessera kadmin ktadd -k notes.keytab notes/db.example.test",
    "tessera kadmin ktadd -norandkey -k v.keytab v/localhost",
  ],
  options: {
    keytab: { short: "k", value: "FILE", help: "the keytab, mode 0600; TESSERA_KEYTAB" },
    norandkey: { help: "write the present keys; make no new ones" },
    ...etypesOption(PRESENT_ETYPES),
    ...REALM_OPTIONS,
  },
  arguments: [1, 64],
  run: async ({ options, positionals, json }) =>
    withPrincipals(options.dir, async (principals, realm) => {
      const path = keytabPath(options.keytab);
      if (path === undefined) throw new UsageError("which keytab? -k FILE, or TESSERA_KEYTAB");
      if (options.norandkey && options.etypes.length > 0)
        throw new UsageError("-e chooses new keys: it does not go with -norandkey");
      // Everything is checked before the first key changes: a key that is in no keytab locks its service out.
      await checkKeytabTarget(path);
      const chosen: { principal: Principal; old: PrincipalEntry }[] = [];
      for (const name of positionals) {
        const principal = localPrincipal(name, realm);
        if (principal === krbtgtOf(realm.settings.realm))
          throw new CommandError(`${principal}: the TGS's keys stay in the realm's database`);
        const old = await existingEntry(principals, principal);
        if (options.norandkey && old.passwordKeyed)
          throw new CommandError(
            `${principal} has a password: its keys are no service's`,
            "without -norandkey it gets random keys, and the password ends",
          );
        chosen.push({ principal, old });
      }
      const written: Record<string, unknown>[] = [];
      for (const { principal, old } of chosen) {
        const entry = options.norandkey
          ? old
          : await rekeyAtRandom(
              principals,
              principal,
              chosenEtypes(options.etypes, realm, currentKeys(old)),
              realm.settings.maxLife,
              Date.now(),
            );
        await writeKeytab(path, principal, entry.keys, Date.now());
        const keys = entry.keys.map(({ kvno, key }) => ({ kvno, etype: key.etype.name }));
        written.push({ principal, kvno: currentKvno(entry), keys });
        if (json) continue;
        for (const { kvno, etype } of keys)
          printLine(`${principal}, kvno ${kvno}, ${etype}: written to ${path}`);
      }
      if (json) printJson({ keytab: `FILE:${path}`, written });
      return undefined;
    }),
});
