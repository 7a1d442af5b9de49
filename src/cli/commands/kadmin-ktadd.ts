/** `tessera kadmin ktadd`: writes a service's keys into its keytab. */
import { currentKvno, type PrincipalEntry } from "../../protocol/principal-entry.js";
import { exportKeys, exportNewKeys } from "../../realm/keytab.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { keytabPath } from "../frame/environment.js";
import { etypesOption, PRESENT_ETYPES, typedEtypes, typedPrincipal } from "../options/kadmin-options.js";
import { ABSENT_OF_KEYS } from "../options/mit-kadmin.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin ktadd",
  usage: ["[-k FILE] [-norandkey] [-e ETYPE,…] PRINCIPAL…"],
  description:
    "Writes the keys of services into a keytab. As MIT's ktadd does, it makes new keys, so that no other " +
    "copy of the old ones is of use; -norandkey writes the present ones. Old versions stay in the keytab " +
    "for as long as in the realm, so that tickets in use keep working. A running service notices the new " +
    "keytab by itself.",
  examples: [
    "tessera kadmin ktadd -k notes.keytab notes/db.example.test",
    "tessera kadmin ktadd -norandkey -k v.keytab v/localhost",
  ],
  options: {
    keytab: { short: "k", value: "FILE", help: "the keytab, mode 0600; TESSERA_KEYTAB" },
    norandkey: { help: "write the present keys; make no new ones" },
    "end-password": { help: "let a principal that has a password lose it, and its owner be locked out" },
    ...etypesOption(PRESENT_ETYPES),
    ...REALM_OPTIONS,
  },
  absent: ABSENT_OF_KEYS,
  arguments: [1, 64],
  run: async ({ options, positionals, json, screen, now, ...around }) =>
    withRealm(around, options.dir, async (realm) => {
      const path = keytabPath(around.env, options.keytab);
      if (path === undefined) throw new UsageError("which keytab? -k FILE, or TESSERA_KEYTAB");
      if (options.norandkey && options.etypes.length > 0)
        throw new UsageError("-e chooses new keys: it does not go with -norandkey");
      if (options.norandkey && options["end-password"])
        throw new UsageError("--end-password goes with new keys: not with -norandkey");
      const names = positionals.map((name) => typedPrincipal(name, realm));
      const print = (entry: PrincipalEntry) => {
        if (json) return;
        for (const { kvno, etype } of keysOf(entry))
          screen.print(`${entry.principal}, kvno ${kvno}, ${etype}: written to ${path}`);
      };
      const target = { path, onWritten: print };
      const entries = options.norandkey
        ? await exportKeys(realm, names, target, now())
        : await exportNewKeys(realm, names, target, typedEtypes(options.etypes), now(), {
            endPassword: options["end-password"],
          });
      const written = entries.map((entry) => ({
        principal: entry.principal,
        kvno: currentKvno(entry),
        keys: keysOf(entry),
      }));
      if (json) screen.printJson({ keytab: `FILE:${path}`, written });
      return undefined;
    }),
});

function keysOf({ keys }: PrincipalEntry): { kvno: number; etype: string }[] {
  return keys.map(({ kvno, key }) => ({ kvno, etype: key.etype.name }));
}
