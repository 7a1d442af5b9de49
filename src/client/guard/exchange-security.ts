/**
 * A call with an AP exchange of its own: an AP-REQ for each attempt, and the AP-REP that answers one of them.
 * It may make a session for the calls that follow.
 *
 * Invariants. No authenticator is used twice: a retry, a hedge and a transparent retry each get their own.
 * The client's subkey and the messages protected under it are the same for all attempts of a call, for
 * grpc-js sends the same bytes again.
 */
import * as grpc from "@grpc/grpc-js";
import { makeSubkey, type PendingApReq, randomSeqNumber } from "../../protocol/ap-exchange.js";
import { mutualFailure, type OpenedApRep, openApRep } from "../../protocol/ap-rep.js";
import {
  apReqTag,
  type BoundCall,
  type CallShape,
  isProtected,
  makeCallApReq,
  needsSubkeys,
  type Protection,
} from "../../protocol/call-binding.js";
import type { Credentials } from "../../protocol/credentials.js";
import type { Key } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import { REQUESTS, RESPONSES } from "../../protocol/message-keys.js";
import { MessageOpener, MessageProtector, type OpenedMessage } from "../../protocol/message-protection.js";
import {
  AP_REP_EXTENSIONS,
  isTrailersOnly,
  type Repeated,
  readGrant,
  type SessionExtensions,
  sessionExtensions,
} from "../../protocol/session-extensions.js";
import { deriveSessionKeys } from "../../protocol/session-keys.js";
import { makeRenewal } from "../../protocol/stream-renewal.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import { ReceivedAnswer } from "./received-answer.js";
import type { CallSecurity } from "./security.js";
import { type Beginning, ClientSession } from "./sessions.js";
import type { ServiceProof } from "./tickets.js";
import { isBrokenOff } from "./unproven-status.js";

/** Attempts of one call whose answer may still come; more than grpc-js makes at a time. */
const MAX_PENDING = 16;
/** The number of the call that makes a session. */
const FIRST_NUMBERS: readonly number[] = [0];

interface Attempt {
  readonly credentials: Credentials;
  readonly apReq: Uint8Array;
  readonly pending: PendingApReq;
}

/** What an exchange is told. */
export interface ExchangeWish {
  readonly ticket: ServiceProof;
  readonly protection: Protection;
  readonly shape: CallShape;
  /** The session it is to begin; undefined: it asks for none. */
  readonly beginning: Beginning | undefined;
  /** The service's challenge, and the attempt that this call repeats: its first attempt says so. */
  readonly extensions?: Pick<SessionExtensions, "challenge" | "repeats"> | undefined;
  /** Milliseconds of a clock that is never set. */
  readonly uptime: () => number;
}

/** Secures a call by an AP exchange. */
export class ExchangeSecurity implements CallSecurity {
  readonly #wish: Omit<ExchangeWish, "ticket">;
  /** The latest. */
  #ticket: ServiceProof;
  /** Undefined: no direction is protected, and no session is asked for. */
  readonly #subkey: Key | undefined;
  readonly #seqNumber: number;
  readonly #protector: MessageProtector | undefined;
  readonly #attempts: Attempt[] = [];
  #bound: BoundCall | undefined;
  #isAttempted = false;
  /** Undefined: the service has not proved itself yet, or responses travel as they are. */
  #opener: MessageOpener | undefined;
  #serviceSubkey: Key | undefined;
  #begun = false;
  /** Of the session that the AP-REP granted. */
  #answer: ReceivedAnswer | undefined;

  constructor({ ticket, ...wish }: ExchangeWish) {
    const { protection, shape, beginning } = wish;
    this.#wish = wish;
    this.#ticket = ticket;
    const protects = needsSubkeys(protection, shape);
    if (protects || beginning !== undefined) this.#subkey = makeSubkey(ticket.credentials.key);
    this.#seqNumber = protects ? randomSeqNumber() : 0;
    if (this.#subkey !== undefined && isProtected(protection, shape.requestStream)) {
      const keys = { subkey: this.#subkey, seqNumber: this.#seqNumber };
      this.#protector = new MessageProtector(REQUESTS, keys, protection);
    }
  }

  protect(bytes: Uint8Array): Buffer {
    return toBuffer(this.#protector === undefined ? bytes : this.#protector.protect(bytes));
  }

  endMarker(): Buffer | undefined {
    if (!this.#wish.shape.requestStream || this.#protector === undefined) return undefined;
    return toBuffer(this.#protector.end());
  }

  renewal(next: ServiceProof): Buffer {
    const { credentials, clock } = next;
    const bound = this.#bound;
    if (bound === undefined || this.#protector === undefined)
      throw new TypeError("renewal: expected a protected stream of requests, bound to its call");
    const bytes = this.#protector.renewal((place) => makeRenewal(credentials, bound, place, clock()));
    // Further attempts are made with the next ticket, unless the subkey of all attempts is not for its key.
    if (credentials.key.etype === this.#ticket.credentials.key.etype) this.#ticket = next;
    return toBuffer(bytes);
  }

  bind(call: BoundCall): void {
    this.#bound = call;
  }

  attempt(): grpc.Metadata {
    if (this.#bound === undefined) throw new TypeError("attempt: expected the call to be bound first");
    const { beginning, extensions = {} } = this.#wish;
    const { challenge, repeats } = extensions;
    // A retry repeats what the service has marked by then, and would be taken for the second repeat.
    const named = this.#isAttempted ? undefined : repeats;
    this.#isAttempted = true;
    const carried = {
      subkey: this.#subkey,
      seqNumber: this.#seqNumber,
      extensions: sessionExtensions({ challenge, repeats: named, asksForSession: beginning !== undefined }),
    };
    const { credentials, clock } = this.#ticket;
    const { bytes, pending } = makeCallApReq(credentials, this.#bound, carried, clock());
    if (this.#attempts.length >= MAX_PENDING) this.#attempts.shift();
    this.#attempts.push({ credentials, apReq: bytes, pending });
    const metadata = new grpc.Metadata();
    metadata.set(AP_REQ_METADATA, toBuffer(bytes));
    return metadata;
  }

  begin(metadata: grpc.Metadata): void {
    if (!this.#begin(metadata, false)) throw mutualFailure();
    // A stream may go on for longer than its tickets.
    this.#attempts.length = 0;
  }

  get provesEnd(): boolean {
    return this.#answer !== undefined;
  }

  open(bytes: Buffer): OpenedMessage {
    if (!this.#begun) throw mutualFailure();
    const opened: OpenedMessage =
      this.#opener === undefined ? { kind: "message", message: bytes } : this.#opener.open(bytes);
    if (opened.kind === "message") this.#answer?.add(bytes);
    return opened;
  }

  checkEnded(): void {
    if (this.#wish.shape.responseStream) this.#opener?.checkEnded();
  }

  isProven(status: grpc.StatusObject): boolean {
    if (this.#begun) status.metadata.remove(AP_REP_METADATA);
    else if (!this.#begin(status.metadata, true)) return false;
    // Without a session nothing but the AP-REP proves the service; of a stream that broke it proves nothing.
    return this.#answer?.isProven(status, FIRST_NUMBERS) ?? !isBrokenOff(status);
  }

  passesUnproven(refusal: KrbError | undefined): boolean {
    if (this.#begun) return false;
    // Who asks for no session has no proof of any refusal.
    return this.#wish.beginning === undefined || (refusal !== undefined && isBeforeProof(refusal));
  }

  get repeated(): Repeated | undefined {
    const attempt = this.#attempts.at(-1);
    return attempt && { tag: apReqTag(attempt.apReq, attempt.credentials.server) };
  }

  wipe(): void {
    this.#subkey?.wipe();
    this.#serviceSubkey?.wipe();
  }

  /** Takes the AP-REP out of metadata; false where there is none, or not one that answers this call. */
  #begin(metadata: grpc.Metadata, inTrailers: boolean): boolean {
    const values = metadata.get(AP_REP_METADATA);
    metadata.remove(AP_REP_METADATA);
    const [apRep] = values;
    if (values.length !== 1 || !(apRep instanceof Uint8Array)) return false;
    for (const attempt of this.#attempts) {
      const opened = openOne(apRep, attempt.pending);
      if (opened === undefined) continue;
      if (isTrailersOnly(opened.extensions) !== inTrailers) return false;
      return this.#accept(opened, attempt, apRep);
    }
    return false;
  }

  #accept(opened: OpenedApRep, { credentials, apReq }: Attempt, apRep: Uint8Array): boolean {
    const { subkey, seqNumber, extensions } = opened;
    this.#serviceSubkey = subkey;
    const { protection, shape, beginning, uptime } = this.#wish;
    const grant = beginning === undefined ? undefined : readGrant(extensions);
    const protects = needsSubkeys(protection, shape);
    // A subkey comes if, and only if, something needs it.
    if ((subkey !== undefined) !== (protects || grant !== undefined)) return false;
    if (seqNumber !== 0 && !protects) return false;
    if (subkey !== undefined && isProtected(protection, shape.responseStream))
      this.#opener = new MessageOpener(RESPONSES, { subkey, seqNumber }, protection);
    this.#begun = true;
    if (grant === undefined) {
      beginning?.decline();
      return true;
    }
    const keys = deriveSessionKeys({
      clientSubkey: this.#subkey!,
      serviceSubkey: subkey!,
      id: grant.id,
      apReq,
      apRep,
    });
    const session = new ClientSession(grant, keys, credentials, uptime());
    this.#answer = new ReceivedAnswer(session, shape);
    beginning!.settle(session);
    return true;
  }
}

/**
 * Refusals of a ticket or an authenticator: they come before the service proves itself, never with a
 * response, and prove nothing.
 */
const BEFORE_PROOF: ReadonlySet<string> = new Set([
  "KDC_ERR_ETYPE_NOSUPP",
  "KDC_ERR_PATH_NOT_ACCEPTED",
  "KDC_ERR_PREAUTH_REQUIRED",
  "KDC_ERR_SVC_UNAVAILABLE",
  "KRB_AP_ERR_BADADDR",
  "KRB_AP_ERR_BADKEYVER",
  "KRB_AP_ERR_BADMATCH",
  "KRB_AP_ERR_BAD_INTEGRITY",
  "KRB_AP_ERR_INAPP_CKSUM",
  "KRB_AP_ERR_MODIFIED",
  "KRB_AP_ERR_NOKEY",
  "KRB_AP_ERR_NOT_US",
  "KRB_AP_ERR_REPEAT",
  "KRB_AP_ERR_SKEW",
  "KRB_AP_ERR_TKT_EXPIRED",
  "KRB_AP_ERR_TKT_NYV",
  "KRB_ERR_FIELD_TOOLONG",
  "KRB_ERR_GENERIC",
]);

/**
 * Policies that a ticket or an authenticator may be held against; the service proves what the others refuse.
 */
const POLICIES_BEFORE_PROOF: ReadonlySet<string | undefined> = new Set(["authorization-data", "extension"]);

function isBeforeProof({ reason, details }: KrbError): boolean {
  if (reason === "KDC_ERR_POLICY") return POLICIES_BEFORE_PROOF.has(details.rule);
  return BEFORE_PROOF.has(reason);
}

/** Undefined: not the attempt that was answered; another may be. */
function openOne(apRep: Uint8Array, pending: PendingApReq): OpenedApRep | undefined {
  try {
    return openApRep(apRep, pending, AP_REP_EXTENSIONS);
  } catch (error) {
    if (error instanceof KrbError && error.reason === "KRB_AP_ERR_MUT_FAIL") return undefined;
    throw error;
  }
}
