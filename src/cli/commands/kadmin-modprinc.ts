/** `tessera kadmin modprinc`: changes the limits of a principal. */
import { existingPrincipal, loginRecord, modifyPrincipal, unlockPrincipal } from "../../realm/principals.js";
import { defineCommand, UsageError } from "../frame/command.js";
import { chosenLimits, LIMIT_OPTIONS, typedPrincipal } from "../options/kadmin-options.js";
import { ABSENT_OF_PRINCIPALS } from "../options/mit-kadmin.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { entryFacts } from "../screen/principal-entry.js";
import { withRealm } from "../session/realm.js";

export const command = defineCommand({
  name: "kadmin modprinc",
  usage: ["OPTION… PRINCIPAL"],
  description:
    "Changes what a principal may do, from its next ticket on; tickets issued before stay as they are. " +
    "The value none removes a limit of the principal's own.",
  examples: [
    "tessera kadmin modprinc --disable alice",
    "tessera kadmin modprinc --expire 2027-01-31 --max-life 1h bob",
    "tessera kadmin modprinc --max-life none --expire none bob",
    "tessera kadmin modprinc --pw-expire now alice",
    "tessera kadmin modprinc --unlock alice",
  ],
  options: {
    ...LIMIT_OPTIONS,
    unlock: { help: "forget its failed logins: it may try again at once, from everywhere" },
    ...REALM_OPTIONS,
  },
  absent: ABSENT_OF_PRINCIPALS,
  arguments: [1, 1],
  run: async ({ options, positionals, json, screen, now, ...around }) =>
    withRealm(around, options.dir, async (realm) => {
      const principal = typedPrincipal(positionals[0]!, realm);
      const time = now();
      const limits = chosenLimits(options, time);
      const isLimited = Object.keys(limits).length > 0;
      if (!isLimited && !options.unlock) throw new UsageError("nothing to change; see the options");
      const entry = isLimited
        ? await modifyPrincipal(realm, principal, limits, time)
        : await existingPrincipal(realm, principal);
      if (options.unlock) await unlockPrincipal(realm, principal, time);
      if (json) screen.printJson(entryFacts(entry, realm, await loginRecord(realm, principal)));
      else screen.print(`${principal} changed`);
      return undefined;
    }),
});
