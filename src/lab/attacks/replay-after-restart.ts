/** A recorded message (5), sent again to a V that has been restarted. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { sendAccess } from "./means/access.js";
import { listenTo } from "./means/listening.js";

/** The row. */
export const replayAfterRestart: Attack = {
  name: "replay-after-restart",
  title: "A recorded call, sent again after V was restarted",
  topic: "replays",
  has: "what travels on the wire, and a crash to wait for",
  lesson:
    "A replay cache in memory forgets everything when its process ends, and mallory need only wait for " +
    "that, or bring it about. V's cache is on disk: an authenticator is written and synced before the call " +
    "that it came with is carried out. A cache in memory (memory:) has to refuse whatever was made before " +
    "the process began, for as long as clocks may differ.",
  expected: everywhere(["KRB_AP_ERR_REPEAT", "V"]),
  async run(realm, told) {
    const { heard } = await listenTo(realm, realm.users.alice);
    told("mallory records message (5), in which alice writes a note");
    await realm.restart("v");
    told("V ends and begins again: nothing is left of its memory; mallory sends the bytes again");
    return attempt("V", async () => {
      await sendAccess(realm, heard.access);
      return "V did what alice asked for a second time";
    });
  },
};
