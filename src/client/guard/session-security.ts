/**
 * A call under a session (session.proto): each attempt brings a proof with a number of its own, and the
 * status the service's proof of the whole answer.
 */
import * as grpc from "@grpc/grpc-js";
import { type BoundCall, type CallShape, isProtected, type Protection } from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import { REQUESTS, RESPONSES } from "../../protocol/message-keys.js";
import { MessageOpener, MessageProtector, type OpenedMessage } from "../../protocol/message-protection.js";
import { makeSessionCall } from "../../protocol/session-call.js";
import type { Repeated } from "../../protocol/session-extensions.js";
import { makeRenewal } from "../../protocol/stream-renewal.js";
import { AP_REP_METADATA, CALL_METADATA } from "../../rpc/metadata-names.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import { ReceivedAnswer } from "./received-answer.js";
import type { CallSecurity } from "./security.js";
import type { ClientSession } from "./sessions.js";
import type { ServiceProof } from "./tickets.js";

/** Attempts of one call whose answer may still come; more than grpc-js makes at a time. */
const MAX_PENDING = 16;

/** Secures a call by a session. */
export class SessionSecurity implements CallSecurity {
  readonly provesEnd = true;
  readonly #session: ClientSession;
  readonly #protection: Protection;
  readonly #shape: CallShape;
  readonly #uptime: () => number;
  /** The number of the call's first attempt: its messages bear it, before there is an attempt. */
  readonly #call: number;
  readonly #protector: MessageProtector | undefined;
  readonly #numbers: number[] = [];
  readonly #answer: ReceivedAnswer;
  /** One for each attempt, until a response tells which is answered. */
  #openers: MessageOpener[] | undefined;
  #bound: BoundCall | undefined;

  constructor(session: ClientSession, protection: Protection, shape: CallShape, uptime: () => number) {
    this.#session = session;
    this.#protection = protection;
    this.#shape = shape;
    this.#uptime = uptime;
    this.#call = session.takeNumber();
    this.#answer = new ReceivedAnswer(session, shape);
    if (!isProtected(protection, shape.requestStream)) return;
    const { clientMessages: checksums, clientSeal: seal } = session.keys;
    this.#protector = new MessageProtector(REQUESTS, { checksums, seal, call: this.#call }, protection);
  }

  protect(bytes: Uint8Array): Buffer {
    return toBuffer(this.#protector === undefined ? bytes : this.#protector.protect(bytes));
  }

  endMarker(): Buffer | undefined {
    if (!this.#shape.requestStream || this.#protector === undefined) return undefined;
    return toBuffer(this.#protector.end());
  }

  renewal({ credentials, clock }: ServiceProof): Buffer {
    const bound = this.#bound;
    if (bound === undefined || this.#protector === undefined)
      throw new TypeError("renewal: expected a protected stream of requests, bound to its call");
    return toBuffer(this.#protector.renewal((place) => makeRenewal(credentials, bound, place, clock())));
  }

  bind(call: BoundCall): void {
    this.#bound = call;
  }

  attempt(): grpc.Metadata {
    const bound = this.#bound;
    if (bound === undefined) throw new TypeError("attempt: expected the call to be bound first");
    const number = this.#numbers.length === 0 ? this.#call : this.#session.takeNumber();
    if (this.#numbers.length >= MAX_PENDING) this.#numbers.shift();
    this.#numbers.push(number);
    const { id: session, keys } = this.#session;
    const age = this.#session.age(this.#uptime());
    const attempt = { session, number, call: this.#call, protection: this.#protection, age };
    const metadata = new grpc.Metadata();
    metadata.set(CALL_METADATA, toBuffer(makeSessionCall(keys.call, attempt, bound)));
    return metadata;
  }

  begin(metadata: grpc.Metadata): void {
    metadata.remove(AP_REP_METADATA);
  }

  open(bytes: Buffer): OpenedMessage {
    const opened = this.#open(bytes);
    if (opened.kind === "message") this.#answer.add(bytes);
    return opened;
  }

  checkEnded(): void {
    if (!this.#shape.responseStream || !isProtected(this.#protection, true)) return;
    const [opener] = this.#openers ?? this.#makeOpeners();
    opener?.checkEnded();
  }

  isProven(status: grpc.StatusObject): boolean {
    return this.#answer.isProven(status, this.#numbers);
  }

  passesUnproven(): boolean {
    return false;
  }

  get repeated(): Repeated | undefined {
    const number = this.#numbers.at(-1);
    return number === undefined ? undefined : { session: this.#session.id, number };
  }

  wipe(): void {
    // The keys are the session's.
  }

  #open(bytes: Buffer): OpenedMessage {
    if (!isProtected(this.#protection, this.#shape.responseStream))
      return { kind: "message", message: bytes };
    this.#openers ??= this.#makeOpeners();
    const [opener] = this.#openers;
    if (opener !== undefined && this.#openers.length === 1) return opener.open(bytes);
    for (const candidate of this.#openers) {
      try {
        const opened = candidate.open(bytes);
        this.#openers = [candidate];
        return opened;
      } catch (error) {
        // Not the attempt that was answered; the next may be.
        if (!(error instanceof KrbError)) throw error;
      }
    }
    throw new KrbError("KRB_AP_ERR_MODIFIED", "a response was altered, or not made for this call", {
      field: "response",
    });
  }

  #makeOpeners(): MessageOpener[] {
    const { serviceMessages: checksums, serviceSeal: seal } = this.#session.keys;
    return this.#numbers.map(
      (call) => new MessageOpener(RESPONSES, { checksums, seal, call }, this.#protection),
    );
  }
}
