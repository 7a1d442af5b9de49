/** A recorded message (5), sent again at once. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { sendAccess } from "./means/access.js";
import { listenTo } from "./means/listening.js";

/** The row. */
export const replay: Attack = {
  name: "replay",
  title: "A recorded call, sent again at once",
  topic: "replays",
  has: "what travels on the wire",
  lesson:
    "An authenticator proves that its maker knows the session key, and says when it was made. A copy says " +
    "the same, and for as long as clocks may differ, five minutes, its time is good. So V remembers for " +
    "that long what it has accepted: a hash of each authenticator goes into its replay cache, in the same " +
    "step that looks whether it is there already. Of a thousand copies at once, one gets through.",
  expected: everywhere(["KRB_AP_ERR_REPEAT", "V"]),
  async run(realm, told) {
    const { heard } = await listenTo(realm, realm.users.alice);
    told("mallory records message (5), in which alice writes a note, and sends its bytes again");
    return attempt("V", async () => {
      await sendAccess(realm, heard.access);
      return "V did what alice asked for a second time";
    });
  },
};
