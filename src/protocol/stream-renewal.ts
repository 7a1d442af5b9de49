/**
 * Streams that outlive tickets (guard.proto, MESSAGE_KIND_RENEWAL): inside the stream the client sends an
 * AP-REQ with its next ticket, and the stream goes on until that one ends.
 *
 *   client  MessageProtector.renewal(makeRenewal) ──in the stream──▶  MessageOpener.open, verifyRenewal  service
 *
 * Invariant. The authenticator holds its place in the stream, a checksum under the key of the client's
 * messages. Whoever has that key alone can't renew, nor whoever has a ticket alone; and an AP-REQ of another
 * stream, of another place, or of a call is none that renews here. A place comes once, at the process that
 * let the stream in: so it stands for a challenge, and for the replay cache.
 */
import { create } from "@bufbuild/protobuf";
import type { RandomSource } from "../crypto/encryption-type.js";
import { type Extension, ExtensionSchema, ExtensionType } from "../gen/kerberos/v1/extension_pb.js";
import { type ApReqPolicy, type VerifiedApReq, verifyOpenedApReq } from "./ap-exchange.js";
import { wipeAuthenticator } from "./authenticator.js";
import {
  type BoundCall,
  callBinding,
  makeCallApReq,
  openCallApReq,
  type Protection,
  readApReq,
} from "./call-binding.js";
import type { Credentials } from "./credentials.js";
import { KrbError, malformed } from "./krb-error.js";
import type { OpenedRenewal } from "./message-protection.js";
import type { Principal } from "./principal.js";

/**
 * The AP-REQ of a renewal.
 * @param call the stream's own call, which is one with a stream of requests.
 * @param place from `MessageProtector.renewal`.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `makeCallApReq`.
 */
export function makeRenewal(
  credentials: Credentials,
  call: BoundCall,
  place: Uint8Array,
  now: number,
  random?: RandomSource,
): Uint8Array {
  return makeCallApReq(credentials, call, { extensions: [renews(place)] }, now, random).bytes;
}

/** A stream as its service knows it. */
export interface RenewedStream {
  readonly client: Principal;
  readonly server: Principal;
  readonly protection: Protection;
  /** `/package.Service/Method`. */
  readonly method: string;
  /** As `ReceivedBinding.authorities`. */
  readonly authorities: readonly string[];
}

/** What a renewal brings. */
export interface VerifiedRenewal extends Pick<VerifiedApReq, "ticket" | "authorizationData"> {
  /** The ticket as it travelled: a view of the message. */
  readonly ticketBytes: Uint8Array;
}

/**
 * Checks a renewal.
 * @param policy as for the call; its challenge does not count.
 * @param now milliseconds since the epoch.
 * @throws KrbError as `readApReq` and `verifyApReq`, but for the time of the authenticator, which does not
 *   count; KRB_AP_ERR_MODIFIED for another level, for another place, and for an AP-REQ that renews nothing;
 *   KRB_AP_ERR_BADMATCH for another client's ticket, or another service's; KRB_ERR_GENERIC for a subkey.
 */
export function verifyRenewal(
  { message, isPlace }: OpenedRenewal,
  stream: RenewedStream,
  policy: ApReqPolicy,
  now: number,
): VerifiedRenewal {
  const received = readApReq(message);
  const { protection, method, authorities } = stream;
  if (received.protection !== protection)
    throw new KrbError(
      "KRB_AP_ERR_MODIFIED",
      `a renewal at ${received.protection}, of a stream at ${protection}`,
      {
        field: "ap_req.protection",
      },
    );
  const opened = openCallApReq(received, policy, now);
  try {
    checkParties(opened.ticket, stream);
    const bindings = authorities.map((authority) =>
      callBinding({ method, authority, protection, requestSha256: undefined }, received.blobs.extensions),
    );
    const verified = verifyOpenedApReq(opened, bindings, { ...policy, isPlace }, now);
    const needless =
      verified.subkey !== undefined ? "subkey" : verified.authenticator.seqNumber && "seq_number";
    if (needless) throw malformed(`authenticator.${needless}`, "a stream keeps its keys and its count");
    const { ticket, authorizationData } = verified;
    return { ticket, authorizationData, ticketBytes: received.blobs.ticket };
  } finally {
    wipeAuthenticator(opened.authenticator);
  }
}

/** A stream stays whose it is, and at the service that it was made for. */
function checkParties(
  ticket: { readonly client: Principal; readonly server: Principal },
  stream: RenewedStream,
) {
  for (const compared of ["client", "server"] as const)
    if (ticket[compared] !== stream[compared])
      throw new KrbError(
        "KRB_AP_ERR_BADMATCH",
        `a stream of ${stream.client} at ${stream.server} can't be renewed with ${ticket.client}'s ticket for ` +
          `${ticket.server}`,
        { compared, client: stream.client },
      );
}

function renews(place: Uint8Array): Extension {
  return create(ExtensionSchema, { type: ExtensionType.RENEWS, critical: true, data: place });
}
