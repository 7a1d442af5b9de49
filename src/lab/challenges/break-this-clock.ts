/** A V that believes whatever its time server says, and an authenticator from three hours ago. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LabRealm } from "../realm/lab-realm.js";
import type { RealmChallenge, Stage } from "./challenge.js";
import { ForgetfulCache } from "./forgetful-cache.js";
import { base64Lines } from "./letter.js";
import { type Ending, recordCall, staged, startOwnV } from "./stage-realm.js";
import { worldFiles } from "./world.js";

const HOURS_AGO = 3 * 3_600_000;
const TIME_FILE = "time-server.txt";

export const breakThisClock: RealmChallenge = {
  name: "break-this-clock",
  title: "Break this clock",
  level: "medium",
  points: 30,
  kind: "realm",
  scene: "textbook",
  task:
    "The vault at V opens for whoever proves to be Alice. Three hours ago it did, and you recorded her " +
    "call: recorded.b64, a serialized AccessRequest; recorded.txt says when. V takes its time from a " +
    "server on the network, without asking who answers, and the one who answers is you: what you write " +
    `into ${TIME_FILE}, a time such as 2026-11-30T09:00:00Z, is what V's clock shows from then on; "now" ` +
    "gives it the right time back. Open the vault. When it opens, the flag is told where the realm runs.",
  hints: [
    "Send the recording as it is (bench.mjs: call, METHODS.access). With which reason does V refuse it, " +
      "and what was compared?",
    "An authenticator is good for five minutes, a ticket for hours, and a replay cache keeps what it saw " +
      "for as long as the authenticator would be good: all three by V's clock.",
    `Write the time in recorded.txt into ${TIME_FILE} and send recorded.b64 once more: ` +
      'await call(world.v.address, METHODS.access, readBase64("recorded.b64")).',
  ],
  lesson:
    "Kerberos trusts clocks: whoever sets a service's clock back revives every authenticator and ticket " +
    "of that time, and a replay cache that goes by the same clock has forgotten them. So time must come " +
    "authenticated, and a cache must not forget because a clock moves: the product's knows how far it " +
    "had come, and closes the times that it can't answer for.",
  start: (stage) => {
    const startedAt = Date.now();
    return staged(breakThisClock, stage, setVault(stage, startedAt), startedAt - HOURS_AGO);
  },
};

/** Has Alice recorded at the vault three hours before the start, which is in milliseconds since the epoch. */
function setVault(stage: Stage, startedAt: number) {
  return async (realm: LabRealm, endings: Ending[]) => {
    const { alice, mallory } = realm.users;
    // The realm's own clock stands, and AS and TGS are not needed once the stage is set.
    const rightTime = () => (realm.now < startedAt ? realm.now : Date.now());
    const clock = followedClock(join(stage.folder, TIME_FILE), rightTime);
    // Alice's own call, which may be logged after it is answered.
    let expected = 1;
    const cache = stage.scene === "standard" ? {} : { replayCache: new ForgetfulCache(100_000) };
    await stage.put(TIME_FILE, "now\n");
    const address = await startOwnV(realm, endings, { clock, ...cache }, (client) => {
      if (client !== alice.principal) return;
      if (expected === 0) stage.told(`the vault opens for Alice: ${stage.flag}`);
      else expected--;
    });
    const recordedAt = new Date(realm.now).toISOString();
    const recorded = await recordCall(realm, alice, address);
    realm.turn(HOURS_AGO);
    // V has had other visitors since: its cache keeps what is of the last minutes.
    await recordCall(realm, mallory, address);
    return {
      "recorded.b64": base64Lines(recorded),
      "recorded.txt": `${recordedAt}\n`,
      [TIME_FILE]: "now\n",
      ...worldFiles(realm, address),
    };
  };
}

/** What a file says the time is; the right time where it says nothing that is a time. */
function followedClock(path: string, rightTime: () => number): () => number {
  return () => {
    const said = Date.parse(textOf(path).trim());
    return Number.isNaN(said) ? rightTime() : said;
  };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
