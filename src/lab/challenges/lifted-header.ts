/** A proof that was lifted off one call and put on another, at a guard that does not compare them. */
import * as grpc from "@grpc/grpc-js";
import { makeCallApReq, messageSha256 } from "../../protocol/call-binding.js";
import { guard } from "../../services/guard/interceptor.js";
import { MemoryReplayCache } from "../../store/replay/memory-replay-cache.js";
import { addCanteen, admittedByGuard, CANTEEN, forgetfulAdmission } from "./canteen.js";
import type { RealmChallenge } from "./challenge.js";
import { base64Lines } from "./letter.js";
import { everyMinute, listening, staged } from "./stage-realm.js";
import { worldFiles } from "./world.js";

const MENU_REQUEST = Buffer.from("what is for lunch?");

export const liftedHeader: RealmChallenge = {
  name: "lifted-header",
  title: "The lifted header",
  level: "medium",
  points: 30,
  kind: "realm",
  scene: "textbook",
  task:
    `Every minute Alice asks the canteen what is for lunch: ${CANTEEN.showMenu}, with her proof in the ` +
    "header kerberos-ap-req-bin. You sit on the way and keep the call for yourself, so that the canteen " +
    "never sees it: header.b64 is its header. Whoever may call the canteen may also call " +
    `${CANTEEN.openTill}, and Alice may; the flag is in the till. The canteen's address is in ` +
    "realm.json, as v. Requests and answers are plain text.",
  hints: [
    "What does a header prove if it says only who calls, and not what is called?",
    "Put Alice's header on a call of the other method. bench.mjs: call(address, method, request, headers).",
    `await call(world.v.address, "${CANTEEN.openTill}", Buffer.from(""), { "kerberos-ap-req-bin": ` +
      'readBase64("header.b64") }) gives the bytes of the answer.',
  ],
  lesson:
    "An authenticator has a checksum for what it was made for. The product's guard has the client put " +
    "the method, the host and the request's digest under it, and compares them with the call that " +
    "arrives: on any other the header is refused with KRB_AP_ERR_MODIFIED. A bearer token has no such " +
    "place.",
  start: (stage) =>
    staged(liftedHeader, stage, async (realm, endings) => {
      const clock = () => realm.now;
      const service = { principal: realm.service, keys: [realm.keys.service] };
      const { permittedEtypes, clockSkew } = realm.database.policy;
      const isLesson = stage.scene !== "standard";
      const replayCache = new MemoryReplayCache({ skew: clockSkew, startedAt: realm.now, restart: "fresh" });
      const guarded = guard({ keytab: () => service, replayCache, clock, permittedEtypes });
      const server = new grpc.Server({ interceptors: isLesson ? [] : [guarded] });
      const admit = isLesson
        ? forgetfulAdmission({ service, permittedEtypes, clockSkew }, clock)
        : admittedByGuard;
      addCanteen(server, admit, {
        showMenu: (caller) => `For you, ${caller}: soup.`,
        openTill: () => `In the till: ${stage.flag}`,
      });
      const address = await listening(server, endings);
      const { alice } = realm.users;
      const client = realm.client();
      await client.login(alice.principal, alice.password);
      const lift = async () => {
        const credentials = await client.serviceTicket(realm.service);
        const call = {
          method: CANTEEN.showMenu,
          authority: "localhost",
          protection: "authenticate",
          requestSha256: messageSha256(MENU_REQUEST),
        } as const;
        const { bytes } = makeCallApReq(credentials, call, undefined, realm.now);
        await stage.put("header.b64", base64Lines(bytes));
      };
      await everyMinute(lift, endings, stage.told);
      return { ...worldFiles(realm, address) };
    }),
};
