/** A recorded login that was refused, with the right password: what is wrong is a clock. */
import { randomInt } from "node:crypto";
import { toBinary } from "@bufbuild/protobuf";
import { AuthenticateRequestSchema } from "../../gen/kerberos/v1/authentication_service_pb.js";
import { makeAsReq } from "../../protocol/as-exchange.js";
import { etypeByName } from "../../protocol/etypes.js";
import { defaultStringToKey, keyFromPassword } from "../../protocol/keys.js";
import { parsePrincipal } from "../../protocol/principal.js";
import type { FileChallenge } from "./challenge.js";
import { base64Lines, sealLetterFor } from "./letter.js";

const ALICE = parsePrincipal("alice@EXAMPLE.TEST", "client");
const PASSWORD = "correct horse battery staple";

/** A letter under this name's password opens with the answer. */
const ANSWER = parsePrincipal("answer@EXAMPLE.TEST", "client");

export const whyNoLogin: FileChallenge = {
  name: "why-no-login",
  title: "Why does this login fail?",
  level: "easy",
  points: 10,
  kind: "files",
  task:
    "Alice can't log in. as-req.b64 is what her machine sent; as.log has the line that the AS wrote when " +
    "it arrived, with the reason cut off. Her password is right: it is in alice.password, with her " +
    "permission. Find what is wrong, and by how much: by how many whole seconds, as a number without a " +
    "sign. letter.b64 is sealed under that number as the password of answer@EXAMPLE.TEST: echo NUMBER | " +
    "tessera decode --password-stdin --principal answer@EXAMPLE.TEST letter.b64",
  hints: [
    "The request carries a proof that the client knows its key: what is sealed in it?",
    "tessera decode --principal alice@EXAMPLE.TEST --password-file alice.password as-req.b64 opens the " +
      "proof. It opens, so the password is right. Compare what is in it with the log.",
    "Take patimestamp from the time in the log; drop what is less than a second.",
  ],
  lesson:
    "The proof of a login is the client's time under the client's key. Whoever opens it knows that the " +
    "key was there at that time, as long as both clocks agree: a clock that is off by more than the " +
    "permitted skew, five minutes here, is refused with KRB_AP_ERR_SKEW, right password or not.",
  make: async (flag, now) => {
    const seconds = randomInt(400, 40_000);
    const key = await keyFromPassword(etypeByName("des-cbc-md5")!, PASSWORD, defaultStringToKey(ALICE));
    const sentAt = now - seconds * 1000 - randomInt(100, 800);
    const request = makeAsReq(ALICE, { etypes: [key.etype.etype] }, key, sentAt);
    const line = { time: new Date(now).toISOString(), exchange: "AS", client: ALICE, result: "refused" };
    return {
      "as-req.b64": base64Lines(toBinary(AuthenticateRequestSchema, request)),
      "as.log": `${JSON.stringify(line)}\n`,
      "alice.password": `${PASSWORD}\n`,
      "letter.b64": await sealLetterFor(ANSWER, String(seconds), flag),
    };
  },
};
