/** What a call brings to prove who makes it; nothing in it is proven yet. */
import { type ReceivedApReq, readApReq } from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import { type ReceivedSessionCall, readSessionCall } from "../../protocol/session-call.js";
import { AP_REQ_METADATA, CALL_METADATA } from "../../rpc/metadata-names.js";

/** The values of one metadata key. */
type Values = readonly (string | Uint8Array)[];

/** An AP-REQ, or the proof of a call under a session, which alone names one. */
export type Proof = ReceivedApReq | ReceivedSessionCall;

/**
 * Reads the proof of a call.
 * @param apReq the values of the request metadata `kerberos-ap-req-bin`.
 * @param session those of `kerberos-call-bin`.
 * @throws KrbError KDC_ERR_PREAUTH_REQUIRED where there is none; KRB_ERR_GENERIC for two, or for bytes that
 *   are neither; KRB_ERR_FIELD_TOOLONG.
 */
export function readProof(apReq: Values, session: Values): Proof {
  if (apReq.length === 0 && session.length === 0)
    throw new KrbError(
      "KDC_ERR_PREAUTH_REQUIRED",
      `the method needs a ticket, in ${AP_REQ_METADATA}: the client's ticketInterceptor puts it there`,
      { metadata: AP_REQ_METADATA },
    );
  if (session.length === 0) return readApReq(oneOf(AP_REQ_METADATA, apReq));
  if (apReq.length > 0)
    throw new KrbError("KRB_ERR_GENERIC", `expected ${AP_REQ_METADATA} or ${CALL_METADATA}, got both`, {
      field: CALL_METADATA,
    });
  return readSessionCall(oneOf(CALL_METADATA, session));
}

function oneOf(name: string, values: Values): Uint8Array {
  const [value] = values;
  if (values.length === 1 && value instanceof Uint8Array) return value;
  throw new KrbError("KRB_ERR_GENERIC", `${name}: expected one value, got ${values.length}`, {
    field: name,
    values: String(values.length),
  });
}
