// Which attempt a proof is of, and which one it repeats: read from the proof as it travelled, which nobody
// but its client can make. Under a session an attempt is its session and number, otherwise its
// authenticator's tag.
import { apReqTag, openCallApReq, readApReq } from "../../dist/protocol/call-binding.js";
import { PROFILES } from "../../dist/protocol/profile.js";
import { readSessionCall } from "../../dist/protocol/session-call.js";
import { readSessionExtensions } from "../../dist/protocol/session-extensions.js";
import { AP_REQ_METADATA, CALL_METADATA } from "../../dist/rpc/metadata-names.js";

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const nameOf = ({ session, number, tag }) => (tag ? `tag:${hex(tag)}` : `${hex(session)}:${number}`);

/** The proof among a call's metadata, as it travelled. */
export function proofIn(metadata) {
  const [call] = metadata.get(CALL_METADATA);
  if (call !== undefined) return { by: "session", bytes: call };
  const [apReq] = metadata.get(AP_REQ_METADATA);
  return { by: "AP-REQ", bytes: apReq };
}

/**
 * Reads a proof that the guard has taken.
 * @param service the keys of the service, for an AP-REQ has sealed what it repeats.
 * @returns the attempt, and the one it repeats, if any.
 */
export function attemptOf({ by, bytes }, service) {
  if (by === "session") return { attempt: nameOf(readSessionCall(bytes)), repeats: undefined };
  const policy = { service, permittedEtypes: PROFILES.standard.permitted, clockSkew: 300_000 };
  const { ticket, authenticator } = openCallApReq(readApReq(bytes), policy, Date.now());
  const { repeats } = readSessionExtensions(authenticator.extensions);
  return { attempt: nameOf({ tag: apReqTag(bytes, ticket.server) }), repeats: repeats && nameOf(repeats) };
}
