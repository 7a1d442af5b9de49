/**
 * The proof of one call: an AP-REQ for each attempt, and the AP-REP that answers one of them.
 *
 * Invariant. No authenticator is used twice: a retry, a hedge and a transparent retry each get their own.
 */
import * as grpc from "@grpc/grpc-js";
import type { PendingApReq } from "../../protocol/ap-exchange.js";
import { mutualFailure, verifyApProof, verifyApRep } from "../../protocol/ap-rep.js";
import { type BoundCall, makeCallApReq } from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { SubkeyMessageKeys } from "../../protocol/message-protection.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import type { ServiceProof } from "./tickets.js";

/** Attempts of one call whose answer may still come; more than grpc-js makes at a time. */
const MAX_PENDING = 16;

/** The client's half of a guarded call's AP exchange. */
export class CallProof {
  readonly #ticket: ServiceProof;
  readonly #keys: SubkeyMessageKeys | undefined;
  readonly #call: BoundCall;
  readonly #pending: PendingApReq[] = [];

  /**
   * @param keys the client's subkey and first sequence number; undefined: no direction of the call is
   * protected.
   */
  constructor(ticket: ServiceProof, keys: SubkeyMessageKeys | undefined, call: BoundCall) {
    this.#ticket = ticket;
    this.#keys = keys;
    this.#call = call;
  }

  /**
   * The metadata of one more attempt. Throws KrbError KRB_ERR_FIELD_TOOLONG for a ticket that metadata has no
   * room for.
   */
  attempt(): grpc.Metadata {
    const { credentials, clock } = this.#ticket;
    const { bytes, pending } = makeCallApReq(credentials, this.#call, this.#keys, clock());
    if (this.#pending.length >= MAX_PENDING) this.#pending.shift();
    this.#pending.push(pending);
    const metadata = new grpc.Metadata();
    metadata.set(AP_REQ_METADATA, toBuffer(bytes));
    return metadata;
  }

  /**
   * Checks the service's proof, and takes it out of the metadata.
   * @returns what protects the service's messages; undefined where no direction is protected.
   * @throws KrbError KRB_AP_ERR_MUT_FAIL whatever the cause.
   */
  verify(metadata: grpc.Metadata): SubkeyMessageKeys | undefined {
    const values = metadata.get(AP_REP_METADATA);
    metadata.remove(AP_REP_METADATA);
    const [value] = values;
    if (values.length !== 1 || typeof value !== "object") throw mutualFailure();
    for (const pending of this.#pending) {
      try {
        if (this.#keys !== undefined) return verifyApRep(value, pending);
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
