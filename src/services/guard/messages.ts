/**
 * The messages of one call that was let in, in both directions, and what proves the service: an AP-REP, or
 * the proof of its answer under a session.
 *
 * Invariant. Keys made for the call, the client's subkey and the service's, belong to these objects until
 * they wipe them. A session's keys are the session's.
 */
import type { Extension } from "../../gen/kerberos/v1/extension_pb.js";
import { makeSubkey, randomSeqNumber, type VerifiedApReq } from "../../protocol/ap-exchange.js";
import { answerApReq } from "../../protocol/ap-rep.js";
import {
  type CallShape,
  isProtected,
  messageSha256,
  needsSubkeys,
  type Protection,
} from "../../protocol/call-binding.js";
import type { Key } from "../../protocol/keys.js";
import {
  MessageOpener,
  MessageProtector,
  type OpenedMessage,
  REQUESTS,
  RESPONSES,
} from "../../protocol/message-protection.js";
import type { SessionAttempt } from "../../protocol/session-call.js";
import { grantExtension, TRAILERS_ONLY } from "../../protocol/session-extensions.js";
import {
  deriveSessionKeys,
  type MacKey,
  newSessionId,
  type SessionKeys,
} from "../../protocol/session-keys.js";
import { makeSessionReply } from "../../protocol/session-reply.js";
import { GatheredMessage } from "../../rpc/gathered-message.js";
import { toBuffer } from "../../rpc/to-buffer.js";

/** How a call ends, as it travels. */
export interface Ending {
  /** The gRPC status code. */
  readonly code: number;
  /** The status message, as text. */
  readonly message: string;
  /** The trailer `grpc-status-details-bin`; empty without one. */
  readonly details: Uint8Array;
}

/** What proves the ending; each is undefined where it does not go. */
export interface ProvenEnding {
  /** The AP-REP, where no initial metadata took it. */
  readonly apRep: Buffer | undefined;
  readonly reply: Buffer | undefined;
}

/** The messages of a call. */
export interface GuardedMessages {
  /** A request from the bytes that travelled, which it may alias. Throws KrbError as `MessageOpener.open`. */
  open(bytes: Buffer): OpenedMessage;
  /**
   * Throws KrbError KRB_AP_ERR_MODIFIED where a stream of requests was cut short; a single request has no end
   * marker.
   */
  checkEnded(): void;
  /** Whether `answer` was asked for. */
  readonly isAnswered: boolean;
  /** The AP-REP: made once, and before any response; undefined under a session. */
  answer(): Buffer | undefined;
  /** A response as it travels. Throws TypeError before `answer`. */
  protect(bytes: Buffer): Buffer | GatheredMessage;
  /** The end marker of a stream of responses, which goes before an OK; undefined where none does. */
  endMarker(): Buffer | undefined;
  /** The proof of how the call ends: asked for once, and last. */
  close(ending: Ending): ProvenEnding;
  /** Overwrites the call's keys. */
  wipe(): void;
}

/** Grants a session to an AP exchange. */
export interface SessionGranter {
  /** The AP-REQ as it travelled. */
  readonly apReq: Uint8Array;
  /** How long the session lasts, in whole seconds. */
  readonly life: number;
  /** Keeps the session, from now on. */
  keep(id: Uint8Array, keys: SessionKeys): void;
}

/** What is proven of the responses under a session. */
class Answer {
  readonly #key: MacKey;
  readonly #session: Uint8Array;
  readonly #number: number;
  #responseSha256: Uint8Array = NOTHING;
  #responses = 0;

  constructor(key: MacKey, session: Uint8Array, number: number) {
    this.#key = key;
    this.#session = session;
    this.#number = number;
  }

  /** Takes note of a single response as it travels. */
  add(bytes: Uint8Array): void {
    this.#responseSha256 = messageSha256(bytes);
  }

  /** Takes note of one of a stream of responses. */
  count(): void {
    this.#responses++;
  }

  prove(ending: Ending): Buffer {
    const { code, message, details } = ending;
    const proof = makeSessionReply(this.#key, {
      session: this.#session,
      number: this.#number,
      code,
      message,
      details,
      responseSha256: this.#responseSha256,
      responses: this.#responses,
    });
    // A copy costs less: to view so few bytes as a Buffer, V8 moves them off its heap.
    return Buffer.from(proof);
  }
}

const NOTHING = new Uint8Array();
/** From this many bytes on a copy costs more than to keep the parts of a message apart. */
const LARGE_BYTES = 4096;

/** A response as it travels, noted for the proof of the answer. */
function protectResponse(
  bytes: Buffer,
  protector: MessageProtector | undefined,
  { responseStream }: CallShape,
  answer: Answer | undefined,
): Buffer | GatheredMessage {
  if (responseStream) {
    answer?.count();
    if (protector === undefined) return bytes;
    if (bytes.length >= LARGE_BYTES) return new GatheredMessage(protector.protectInParts(bytes));
    return toBuffer(protector.protect(bytes));
  }
  const travels = protector === undefined ? bytes : toBuffer(protector.protect(bytes));
  answer?.add(travels);
  return travels;
}

/** The messages of a call that an AP-REQ proves. */
export class ExchangeMessages implements GuardedMessages {
  /**
   * Undefined: the AP-REP was made. A stream may go on for longer than the ticket, and keeps nothing of it.
   */
  #unanswered: { readonly verified: VerifiedApReq; readonly granter: SessionGranter | undefined } | undefined;
  readonly #clientSubkey: Key | undefined;
  readonly #protection: Protection;
  readonly #shape: CallShape;
  /** Undefined: requests travel as they are. */
  readonly #opener: MessageOpener | undefined;
  /** Undefined: responses travel as they are, or there is no AP-REP yet. */
  #protector: MessageProtector | undefined;
  #ownSubkey: Key | undefined;
  /** Of the session that the AP-REP granted. */
  #answer: Answer | undefined;

  /**
   * @param granter undefined: the call makes no session.
   * @throws TypeError where requests are protected and no subkey was agreed on.
   */
  constructor(
    verified: VerifiedApReq,
    { protection }: { readonly protection: Protection },
    shape: CallShape,
    granter: SessionGranter | undefined,
  ) {
    this.#unanswered = { verified, granter };
    this.#clientSubkey = verified.subkey;
    this.#protection = protection;
    this.#shape = shape;
    if (!isProtected(protection, shape.requestStream)) return;
    const { subkey, authenticator } = verified;
    if (subkey === undefined) throw new TypeError("subkey: expected one where requests are protected");
    this.#opener = new MessageOpener(REQUESTS, { subkey, seqNumber: authenticator.seqNumber }, protection);
  }

  open(bytes: Buffer): OpenedMessage {
    return this.#opener === undefined ? { kind: "message", message: bytes } : this.#opener.open(bytes);
  }

  checkEnded(): void {
    if (this.#shape.requestStream) this.#opener?.checkEnded();
  }

  get isAnswered(): boolean {
    return this.#unanswered === undefined;
  }

  answer(): Buffer {
    return this.#makeApRep([]);
  }

  protect(bytes: Buffer): Buffer | GatheredMessage {
    if (!this.isAnswered) throw new TypeError("protect: expected the AP-REP to be made first");
    return protectResponse(bytes, this.#protector, this.#shape, this.#answer);
  }

  endMarker(): Buffer | undefined {
    if (!this.#shape.responseStream || this.#protector === undefined) return undefined;
    return toBuffer(this.#protector.end());
  }

  close(ending: Ending): ProvenEnding {
    const apRep = this.isAnswered ? undefined : this.#makeApRep([TRAILERS_ONLY]);
    return { apRep, reply: this.#answer?.prove(ending) };
  }

  wipe(): void {
    this.#clientSubkey?.wipe();
    this.#ownSubkey?.wipe();
  }

  #makeApRep(extensions: readonly Extension[]): Buffer {
    if (this.#unanswered === undefined) throw new TypeError("answer: expected no AP-REP to be made before");
    const { verified, granter } = this.#unanswered;
    this.#unanswered = undefined;
    const { ticket } = verified;
    const protects = needsSubkeys(this.#protection, this.#shape);
    if (protects || granter !== undefined) this.#ownSubkey = makeSubkey(ticket.sessionKey);
    const seqNumber = protects ? randomSeqNumber() : 0;
    const granted = granter && { granter, id: newSessionId() };
    const grants = granted ? [grantExtension({ id: granted.id, life: granted.granter.life })] : [];
    const carried = { subkey: this.#ownSubkey, seqNumber, extensions: [...grants, ...extensions] };
    const apRep = answerApReq(verified, carried);
    if (this.#ownSubkey !== undefined && isProtected(this.#protection, this.#shape.responseStream)) {
      const keys = { subkey: this.#ownSubkey, seqNumber };
      this.#protector = new MessageProtector(RESPONSES, keys, this.#protection);
    }
    if (granted) this.#grant(granted.granter, granted.id, apRep);
    return toBuffer(apRep);
  }

  #grant(granter: SessionGranter, id: Uint8Array, apRep: Uint8Array): void {
    const keys = deriveSessionKeys({
      clientSubkey: this.#clientSubkey!,
      serviceSubkey: this.#ownSubkey!,
      id,
      apReq: granter.apReq,
      apRep,
    });
    granter.keep(id, keys);
    this.#answer = new Answer(keys.reply, id, 0);
  }
}

/** The messages of a call under a session. */
export class SessionMessages implements GuardedMessages {
  readonly #shape: CallShape;
  readonly #opener: MessageOpener | undefined;
  readonly #protector: MessageProtector | undefined;
  readonly #answer: Answer;
  #answered = false;

  constructor(
    { id, keys }: { readonly id: Uint8Array; readonly keys: SessionKeys },
    { number, call, protection }: SessionAttempt,
    shape: CallShape,
  ) {
    this.#shape = shape;
    this.#answer = new Answer(keys.reply, id, number);
    if (isProtected(protection, shape.requestStream)) {
      const ofClient = { checksums: keys.clientMessages, seal: keys.clientSeal, call };
      this.#opener = new MessageOpener(REQUESTS, ofClient, protection);
    }
    if (isProtected(protection, shape.responseStream)) {
      const ofService = { checksums: keys.serviceMessages, seal: keys.serviceSeal, call: number };
      this.#protector = new MessageProtector(RESPONSES, ofService, protection);
    }
  }

  open(bytes: Buffer): OpenedMessage {
    return this.#opener === undefined ? { kind: "message", message: bytes } : this.#opener.open(bytes);
  }

  checkEnded(): void {
    if (this.#shape.requestStream) this.#opener?.checkEnded();
  }

  get isAnswered(): boolean {
    return this.#answered;
  }

  answer(): undefined {
    this.#answered = true;
  }

  protect(bytes: Buffer): Buffer | GatheredMessage {
    return protectResponse(bytes, this.#protector, this.#shape, this.#answer);
  }

  endMarker(): Buffer | undefined {
    if (!this.#shape.responseStream || this.#protector === undefined) return undefined;
    return toBuffer(this.#protector.end());
  }

  close(ending: Ending): ProvenEnding {
    return { apRep: undefined, reply: this.#answer.prove(ending) };
  }

  wipe(): void {
    // The keys are the session's.
  }
}
