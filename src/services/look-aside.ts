/**
 * Logins that were answered, for clients that ask again: the same request gets the same answer, and is no
 * second login. (RFC 4120 §3.1.2 leaves retransmissions to the transport; MIT's KDC has a cache like this.)
 *
 * Invariants. An answer is found by the proof that it was made for; the same proof in another request is a
 * replay. Only what was answered is kept, never a refusal: those who guess can't push answers out. Answers
 * are kept while their proof's time may still be accepted, at most two skews, and end earlier where there is
 * no room for them, the oldest first. Nothing waits between `find` and `keep`: of copies that come together one is answered,
 * and the others find its answer.
 */
import type { CacheLoad } from "../collections/cache-load.js";
import { RecordRing } from "../collections/record-ring.js";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
  type AuthenticateResponse,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import { KrbError } from "../protocol/krb-error.js";
import { encodeMessage } from "../rpc/service-definition.js";

/** The most that is kept, in bytes: some 15,000 answers. */
export const LOOK_ASIDE_BYTES = 12 * 2 ** 20;
/** Before an answer: when it was made, in milliseconds since the epoch, and the lengths of its parts. */
const HEAD_BYTES = 16;

/** The answers of one AS. */
export class LookAside {
  /** By the proof itself: ciphertext under a key of the principal, different for every login. */
  readonly #answers: RecordRing;

  /** @param limit the most that is kept, in bytes: a multiple of eight. */
  constructor(limit = LOOK_ASIDE_BYTES) {
    this.#answers = new RecordRing(limit);
  }

  /** How full it is. */
  get load(): CacheLoad {
    return this.#answers.load;
  }

  /**
   * The answer to a request that was answered before.
   * @param proof the encrypted timestamp as it travelled.
   * @param request the whole request.
   * @param skew the permitted difference of clocks, in milliseconds.
   * @param now milliseconds since the epoch.
   * @throws KrbError KRB_AP_ERR_REPEAT if the proof was used in another request.
   */
  find(
    proof: Uint8Array,
    request: AuthenticateRequest,
    skew: number,
    now: number,
  ): AuthenticateResponse | undefined {
    const answered = this.#answers.find(proof);
    if (answered === undefined) return undefined;
    // Either way: a clock that was set back makes nothing last longer.
    if (Math.abs(now - answered.readDoubleLE(0)) > 2 * skew) return undefined;
    const requestEnd = HEAD_BYTES + answered.readUInt32LE(8);
    const ticketEnd = requestEnd + answered.readUInt32LE(12);
    if (bytesOf(request).compare(answered, HEAD_BYTES, requestEnd) === 0)
      return {
        $typeName: "kerberos.v1.AuthenticateResponse",
        client: request.client,
        ticket: new Uint8Array(answered.subarray(requestEnd, ticketEnd)),
        encPart: new Uint8Array(answered.subarray(ticketEnd)),
      };
    throw new KrbError(
      "KRB_AP_ERR_REPEAT",
      "this proof was used in another request; make a new one for each request",
      { field: "padata" },
    );
  }

  /** Keeps a copy of an answer to the request's client. */
  keep(proof: Uint8Array, request: AuthenticateRequest, response: AuthenticateResponse, now: number): void {
    const asked = bytesOf(request);
    HEAD.writeDoubleLE(now, 0);
    HEAD.writeUInt32LE(asked.length, 8);
    HEAD.writeUInt32LE(response.ticket.length, 12);
    this.#answers.add(proof, HEAD, asked, response.ticket, response.encPart);
  }
}

const HEAD = Buffer.alloc(HEAD_BYTES);

function bytesOf(request: AuthenticateRequest): Buffer {
  return encodeMessage(AuthenticateRequestSchema, request);
}
