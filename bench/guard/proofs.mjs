// What the calls of the variants bring in their headers, each as a name and bytes: made for one call alone.
import { randomBytes } from "node:crypto";
import { sha256 } from "../../dist/crypto/hash.js";
import { makeCallApReq } from "../../dist/protocol/call-binding.js";
import { makeSessionCall } from "../../dist/protocol/session-call.js";
import { AP_REQ_METADATA, CALL_METADATA } from "../../dist/rpc/metadata-names.js";
import { CALL } from "./method.mjs";

const HOST = "127.0.0.1";
const PROTECTION = "authenticate";

/** An AP-REQ, for a call that makes no session. */
export function oneShotProof(credentials, request) {
  const { bytes } = makeCallApReq(credentials, bound(request), undefined, Date.now());
  return [AP_REQ_METADATA, Buffer.from(bytes)];
}

/** The proof of a call under a session. */
export function sessionProof(session, request) {
  const number = session.takeNumber();
  const age = session.age(performance.now());
  const attempt = { session: session.id, number, call: number, protection: PROTECTION, age };
  return [CALL_METADATA, Buffer.from(makeSessionCall(session.keys.call, attempt, bound(request)))];
}

/** As many bytes as a session's proof has, for nobody. */
export function unreadHeader() {
  return ["x-unread-bin", randomBytes(45)];
}

function bound(request) {
  return { method: CALL.path, authority: HOST, protection: PROTECTION, requestSha256: sha256(request) };
}
