/**
 * Logins that were answered, for clients that ask again: the same request gets the same answer, and is no
 * second login. (RFC 4120 §3.1.2 leaves retransmissions to the transport; MIT's KDC has a cache like this.)
 *
 * Invariants. An answer is found by the proof that it was made for; the same proof in another request is a
 * replay. Only what was answered is kept, never a refusal: those who guess can't push answers out. Answers
 * are kept while their proof's time may still be accepted, at most two skews, and end earlier where there is
 * no room for them. Nothing waits between `find` and `keep`: of copies that come together one is answered,
 * and the others find its answer.
 */
import { type CacheLoad, loadOf } from "../collections/cache-load.js";
import { LruMap } from "../collections/lru-map.js";
import {
  type AuthenticateRequest,
  AuthenticateRequestSchema,
  type AuthenticateResponse,
} from "../gen/kerberos/v1/authentication_service_pb.js";
import { KrbError } from "../protocol/krb-error.js";
import { encodeMessage } from "../rpc/service-definition.js";

/** The most that is kept, in bytes: some 9,000 answers. */
export const LOOK_ASIDE_BYTES = 12 * 2 ** 20;
/** What an answer takes beside its own bytes and its request's. */
const ENTRY_BYTES = 512;

/** An answer, and the request that it belongs to. */
interface Answered {
  /** The request's bytes: a copy, as the request itself holds on to what it arrived in. */
  readonly request: Uint8Array;
  readonly response: AuthenticateResponse;
  /** When it was made, in milliseconds since the epoch. */
  readonly at: number;
}

/** The answers of one AS. */
export class LookAside {
  readonly #answers: LruMap<string, Answered>;

  /** @param limit the most that is kept, in bytes. */
  constructor(limit = LOOK_ASIDE_BYTES) {
    this.#answers = new LruMap(limit, sizeOf);
  }

  /** How many answers are kept. */
  get size(): number {
    return this.#answers.size;
  }

  /** How full it is. */
  get load(): CacheLoad {
    return loadOf(this.#answers);
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
    const name = nameOf(proof);
    const answered = this.#answers.get(name);
    if (answered === undefined) return undefined;
    // Either way: a clock that was set back makes nothing last longer.
    if (Math.abs(now - answered.at) > 2 * skew) {
      this.#answers.delete(name);
      return undefined;
    }
    if (Buffer.compare(answered.request, bytesOf(request)) === 0) return answered.response;
    throw new KrbError(
      "KRB_AP_ERR_REPEAT",
      "this proof was used in another request; make a new one for each request",
      { field: "padata" },
    );
  }

  /** Keeps an answer. Its bytes stay as they are from now on. */
  keep(proof: Uint8Array, request: AuthenticateRequest, response: AuthenticateResponse, now: number): void {
    this.#answers.set(nameOf(proof), { request: bytesOf(request), response, at: now });
  }
}

/** The proof itself: ciphertext under a key of the principal, different for every login. */
function nameOf(proof: Uint8Array): string {
  return Buffer.from(proof.buffer, proof.byteOffset, proof.length).toString("latin1");
}

/** Small and public: from the pool, as the answer is. */
function bytesOf(request: AuthenticateRequest): Uint8Array {
  return encodeMessage(AuthenticateRequestSchema, request);
}

function sizeOf({ request, response: { client, ticket, encPart } }: Answered): number {
  return ENTRY_BYTES + request.length + client.length + ticket.length + encPart.length;
}
