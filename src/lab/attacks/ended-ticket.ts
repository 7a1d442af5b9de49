/** Alice's ticket with its session key, after its end. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm } from "./means/access.js";
import { listenTo } from "./means/listening.js";

/** The row. */
export const endedTicket: Attack = {
  name: "ended-ticket",
  title: "Alice's ticket with its session key, after it has ended",
  topic: "tickets in the wrong hands",
  has: "a copy of alice's credential cache, of yesterday",
  lesson:
    "The ticket says when it ends, sealed, so that its holder can't alter it, and V refuses it from then " +
    "on, five minutes later at most, for clocks that differ. This is all that ends a ticket at a service, " +
    "which asks nobody: neither logging out nor a new password reaches tickets that are out already. Hence " +
    "lives of hours, not weeks.",
  expected: everywhere(["KRB_AP_ERR_TKT_EXPIRED", "V"]),
  async run(realm, told) {
    const { victim } = await listenTo(realm, realm.users.alice);
    const { clockSkew } = realm.database.policy;
    const over = victim.credentials.endtime + clockSkew + 1000 - realm.now;
    told("mallory copies ticket and session key from alice's cache, and calls V when the ticket has ended");
    realm.turn(over);
    try {
      return await attempt(
        "V",
        async () => `V takes mallory for ${await askWhoIAm(realm, victim.credentials)}`,
      );
    } finally {
      realm.turn(-over);
    }
  },
};
