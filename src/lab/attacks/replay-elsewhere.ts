/** A recorded message (5), sent again to another V that has the same keys. */
import { type Attack, attempt, everywhere } from "./attack.js";
import { sendAccess } from "./means/access.js";
import { listenTo } from "./means/listening.js";

/** The row. */
export const replayElsewhere: Attack = {
  name: "replay-elsewhere",
  title: "A recorded call, sent again to another V with the same keys",
  topic: "replays",
  has: "what travels on the wire",
  lesson:
    "A service of several processes has one keytab, so that each of them opens every ticket. If each also " +
    "has a memory of its own, a call that one has taken is new to all others. So they share the replay " +
    "cache, by a folder on one machine or by Redis among several; or, as the guard does without one, each " +
    "process asks for an authenticator made after a challenge of its own.",
  expected: everywhere(["KRB_AP_ERR_REPEAT", "V"]),
  async run(realm, told) {
    const second = await realm.secondService();
    const { heard } = await listenTo(realm, realm.users.alice);
    told(`alice writes a note at ${realm.address}; mallory records message (5)`);
    told(`she sends the bytes to ${second}, which has the same keytab and has not seen them`);
    return attempt("V", async () => {
      await sendAccess(realm, heard.access, second);
      return "the second V did what alice had asked of the first";
    });
  },
};
