/** A V whose replay cache has room for few: a recorded call is good again once it was crowded out. */
import type { RealmChallenge } from "./challenge.js";
import { ForgetfulCache } from "./forgetful-cache.js";
import { base64Lines } from "./letter.js";
import { everyMinute, recordCall, staged, startOwnV } from "./stage-realm.js";
import { worldFiles } from "./world.js";

/** How many authenticators V remembers. */
const ROOM = 16;

export const secondOpening: RealmChallenge = {
  name: "second-opening",
  title: "Open the door a second time",
  level: "medium",
  points: 30,
  kind: "realm",
  scene: "textbook",
  task:
    "The door at V opens for whoever proves to be Alice, and you have her call recorded: recorded.b64, a " +
    "serialized AccessRequest, made anew every minute, each time just after she has gone through. V " +
    "keeps a replay cache, so the same call opens nothing a second time. But its memory is short. You " +
    "are mallory, whose login is in realm.json. Have the door open on the recording. When it does, the " +
    "flag is told where the realm runs.",
  hints: [
    "Send the recording as it is (bench.mjs: call, METHODS.access). With which reason does V refuse it?",
    "V remembers so many authenticators and no more, of whichever client. What becomes of the oldest when " +
      "there are too many?",
    `Call V ${ROOM} times as mallory, each call with an authenticator of its own (. ./realm.env, tessera ` +
      "kinit mallory, and the call that stands in that file), and then send the recording, all within " +
      "five minutes of its being made.",
  ],
  lesson:
    "A replay cache must remember every authenticator for as long as it would be accepted. One that is " +
    "full has two ways: to forget, and let in a replay, or to refuse, and keep honest clients waiting. " +
    "The product's refuses, with KDC_ERR_SVC_UNAVAILABLE.",
  start: (stage) =>
    staged(secondOpening, stage, async (realm, endings) => {
      const { alice, mallory } = realm.users;
      // Alice's own calls, which may be logged after they are answered.
      let expected = 0;
      const cache = stage.scene === "standard" ? {} : { replayCache: new ForgetfulCache(ROOM) };
      const address = await startOwnV(realm, endings, cache, (client) => {
        if (client !== alice.principal) return;
        if (expected === 0) stage.told(`the door opens a second time: ${stage.flag}`);
        else expected--;
      });
      const record = async () => {
        expected++;
        await stage.put("recorded.b64", base64Lines(await recordCall(realm, alice, address)));
      };
      await everyMinute(record, endings, stage.told);
      return { ...worldFiles(realm, address, mallory) };
    }),
};
