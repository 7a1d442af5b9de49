/** `tessera kadmin purgekeys`: ends old versions of keys now. */
import { purgeKeys } from "../../realm/principal-keys.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { typedPrincipal } from "../options/kadmin-options.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { entryFacts } from "../screen/principal-entry.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin purgekeys",
  usage: ["[-keepkvno KVNO] PRINCIPAL"],
  description:
    "Ends the old versions of a principal's keys now; by themselves they end once the longest ticket under " +
    "them has. The KDC refuses tickets under them from now on, which is what you want after a key was " +
    "stolen; a service goes on taking them until its keytab is written again, with ktadd -norandkey. The " +
    "current version stays.",
  examples: [
    "tessera kadmin purgekeys krbtgt/EXAMPLE.TEST",
    "tessera kadmin purgekeys -keepkvno 3 notes/db.example.test",
  ],
  options: {
    keepkvno: { value: "KVNO", help: "the oldest version that stays; by default the current one" },
    ...REALM_OPTIONS,
  },
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, now, ...around }) =>
    withRealm(around, options.dir, async (realm) => {
      const principal = typedPrincipal(positionals[0]!, realm);
      const { entry, purged } = await purgeKeys(realm, principal, now(), typedKvno(options.keepkvno));
      if (json) screen.printJson({ purged, ...entryFacts(entry, realm) });
      else if (purged.length === 0) screen.print(`${principal}: no old keys`);
      else {
        screen.print(`${principal}: kvno ${purged.toSorted((a, b) => a - b).join(", ")} purged`);
        // A service opens tickets with what its keytab holds, and knows nothing of the realm's database.
        if (!entry.passwordKeyed && !principal.startsWith("krbtgt/"))
          screen.print(
            `its keytab has them still: tessera kadmin ktadd -norandkey -k FILE ${positionals[0]}`,
          );
      }
      return undefined;
    }),
});

function typedKvno(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new UsageError(`-keepkvno: expected a version number from 1 up, got ${JSON.stringify(text)}`);
}
