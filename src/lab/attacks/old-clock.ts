/** A recorded message (5), sent again an hour later to a V whose clock has been set back. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { askWhoIAm, sendAccess } from "./means/access.js";
import { listenTo } from "./means/listening.js";

const HOUR = 3_600_000;

/** The row. */
export const oldClock: Attack = {
  name: "old-clock",
  title: "A recorded call, revived by turning V's clock back",
  topic: "replays",
  has: "what travels on the wire, and a hand on V's clock: its time server, say",
  lesson:
    "A replay cache need not remember for ever: an authenticator older than five minutes is refused for " +
    "its time, so its record may go. Whoever turns V's clock back makes its time good again, and the " +
    "record is gone. So what is forgotten leaves a trace: the time up to which V has forgotten. " +
    "Authenticators made before that are refused, whatever the clock says now.",
  expected: everywhere(["KRB_AP_ERR_SKEW", "V"]),
  async run(realm, told) {
    const { heard, victim } = await listenTo(realm, realm.users.alice);
    told("mallory records message (5), in which alice writes a note");
    realm.turn(HOUR);
    await askWhoIAm(realm, victim.credentials);
    told("an hour later V has forgotten it: it is refused for its time; alice goes on working");
    realm.turn(-HOUR);
    told("mallory turns V's clock back by an hour and sends the bytes again");
    return attempt("V", async () => {
      await sendAccess(realm, heard.access);
      return "V did what alice asked for a second time";
    });
  },
};
