/**
 * The proof of one call: an AP-REQ for each attempt, and the AP-REP that answers one of them.
 *
 * Invariants. No authenticator is used twice: a retry, a hedge, a transparent retry each get their own. The subkey and
 * the messages protected under it are the same for all attempts, for grpc-js sends the same bytes again.
 */
import * as grpc from "@grpc/grpc-js";
import {
  makeSubkey,
  mutualFailure,
  type PendingApReq,
  randomSeqNumber,
  verifyApProof,
  verifyApRep,
} from "../../protocol/ap-exchange.js";
import { type BoundCall, type CallShape, makeCallApReq, needsSubkeys } from "../../protocol/call-binding.js";
import type { Credentials } from "../../protocol/credentials.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { MessageKeys } from "../../protocol/message-protection.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { toBuffer } from "../../rpc/to-buffer.js";

/** What a call is authenticated with. */
export interface ServiceProof {
  readonly credentials: Credentials;
  /** The present by the KDC's clock, in milliseconds. */
  readonly clock: () => number;
}

/** Attempts of one call whose answer may still come; more than grpc-js makes at a time. */
const MAX_PENDING = 16;

/** The client's half of a guarded call's AP exchange. */
export class CallProof {
  /** The client's subkey and first sequence number; undefined: no message is protected. */
  readonly keys: MessageKeys | undefined;
  readonly #proof: ServiceProof;
  readonly #call: BoundCall;
  readonly #pending: PendingApReq[] = [];

  constructor(proof: ServiceProof, keys: MessageKeys | undefined, call: BoundCall) {
    this.#proof = proof;
    this.keys = keys;
    this.#call = call;
  }

  /** Metadata of one more attempt. Throws KrbError KRB_ERR_FIELD_TOOLONG for a ticket that has no room there. */
  attempt(): grpc.Metadata {
    const { credentials, clock } = this.#proof;
    const { bytes, pending } = makeCallApReq(credentials, this.#call, this.keys, clock());
    if (this.#pending.length >= MAX_PENDING) this.#pending.shift();
    this.#pending.push(pending);
    const metadata = new grpc.Metadata();
    metadata.set(AP_REQ_METADATA, toBuffer(bytes));
    return metadata;
  }

  /**
   * Checks the service's proof, and takes it out of the metadata.
   * @returns what protects the service's messages, where any are protected.
   * @throws KrbError KRB_AP_ERR_MUT_FAIL for every cause.
   */
  verify(metadata: grpc.Metadata): MessageKeys | undefined {
    const values = metadata.get(AP_REP_METADATA);
    metadata.remove(AP_REP_METADATA);
    const [value] = values;
    if (values.length !== 1 || typeof value !== "object") throw mutualFailure();
    for (const pending of this.#pending) {
      try {
        if (this.keys !== undefined) return verifyApRep(value, pending);
        verifyApProof(value, pending);
        return undefined;
      } catch (error) {
        // Not the attempt that was answered; the next may be.
        if (!(error instanceof KrbError)) throw error;
      }
    }
    throw mutualFailure();
  }
}

/** Fresh keys for a call's messages, if any direction is protected. */
export function makeMessageKeys(
  { credentials }: ServiceProof,
  protection: BoundCall["protection"],
  shape: CallShape,
): MessageKeys | undefined {
  if (!needsSubkeys(protection, shape)) return undefined;
  return { subkey: makeSubkey(credentials.key), seqNumber: randomSeqNumber() };
}
