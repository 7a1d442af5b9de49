/** Alice's credential cache: her ticket with its session key. */
import { isoTime } from "../../protocol/kerberos-time.js";
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { listenTo } from "./means/listening.js";

/** The row. */
export const stolenCache: Attack = {
  name: "stolen-cache",
  title: "Alice's credential cache: a ticket with its session key",
  topic: "tickets in the wrong hands",
  has: "a copy of alice's credential cache",
  lesson:
    "Whoever has ticket and session key is alice, as far as any server can tell: that is what the two are " +
    "for. A stolen cache is worth as much as alice's login, but not her password, and only until the " +
    "ticket ends. So caches are files that nobody else may read, lives are short, and a TGT ends when " +
    "alice gets a new password. No check stops it; the attack ended-ticket shows what does.",
  expected: everywhere("ALLOWED"),
  async run(realm, told) {
    const { victim } = await listenTo(realm, realm.users.alice);
    told("alice works; mallory copies ticket and session key from her cache and calls V");
    return attempt("V", async () => {
      const client = await askWhoIAm(realm, victim.credentials);
      return `V takes mallory for ${client}, until ${isoTime(victim.credentials.endtime)}`;
    });
  },
};
