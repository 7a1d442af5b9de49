/**
 * Records one login in each scene, on real servers, and prints the page made of it. Runs in a process of its
 * own (page.mjs): seed, clock and order are fixed, so that each run prints the same.
 */
import * as grpc from "@grpc/grpc-js";
import { PutNoteRequestSchema, PutNoteResponseSchema } from "../../src/client/index.js";
import { captureCalls } from "../../src/lab/capture.js";
import { startLabRealm } from "../../src/lab/realm/lab-realm.js";
import { makeTranscript } from "../../src/lab/transcript/make-transcript.js";
import { staticPage } from "../../src/lab/transcript/static-page.js";
import { takeOverRandomness } from "./seeded-random.mjs";

/** When alice logs in. */
const MORNING = Date.UTC(2026, 2, 2, 9, 0, 0);
/** How long a message is under way, and how long alice takes from one step to the next, in milliseconds. */
const TRAVEL = 20;
const PAUSE = 5000;
/** Eight letters, three times: what ECB gives away whatever comes before. */
const NOTE = { name: "watch", text: "no news no news no news " };

const TITLES = {
  "textbook-ecb": "One login, under DES_ECB as in Kerberos 4",
  textbook: "One login, under DES",
  standard: "One login, under AES",
};

const transcripts = [];
for (const scene of ["textbook", "standard", "textbook-ecb"]) {
  takeOverRandomness(`tessera ${scene}`);
  transcripts.push(await record(scene));
}
process.stdout.write(staticPage(transcripts));

async function record(scene) {
  await using realm = await startLabRealm({ scene, now: MORNING, passwords: { alice: "open sesame" } });
  const { interceptor: capture, calls } = captureCalls(() => realm.now);
  const client = realm.client({ interceptors: [capture, underWay(realm)] });
  await client.login(realm.users.alice.principal, realm.users.alice.password);
  realm.turn(PAUSE);
  await client.serviceTicket(realm.service);
  realm.turn(PAUSE);
  const putNote = { request: PutNoteRequestSchema, response: PutNoteResponseSchema };
  await client.access({ principal: realm.service, address: realm.address }, putNote, NOTE);
  return makeTranscript(calls, ringsOf(realm), { title: TITLES[scene], scene, realm: realm.realm });
}

/** Turns the clock while a message travels: else all of a call would happen at once. */
function underWay(realm) {
  return (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveMessage: (message, nextMessage) => {
            realm.turn(TRAVEL);
            nextMessage(message);
          },
        }),
      sendMessage: (message, next) => {
        realm.turn(TRAVEL);
        next(message);
      },
    });
}

/** What each party holds at the start. AS and TGS share a database; here each has the keys that it uses. */
function ringsOf({ users, keys }) {
  const [kc, ktgs, kv] = [users.alice.key.key, keys.krbtgt.key, keys.service.key];
  return new Map([
    ["C", new Map([["K_c", kc]])],
    [
      "AS",
      new Map([
        ["K_c", kc],
        ["K_tgs", ktgs],
      ]),
    ],
    [
      "TGS",
      new Map([
        ["K_tgs", ktgs],
        ["K_v", kv],
      ]),
    ],
    ["V", new Map([["K_v", kv]])],
  ]);
}
