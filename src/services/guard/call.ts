/**
 * One guarded call on the server: between the bytes of the wire and a handler that knows nothing of them.
 *
 * Invariants. Nothing of a call goes beyond the guard before the call is let in: no metadata, no message, no
 * answer. The guard alone decodes and encodes messages, so that what it checks are the bytes that travelled.
 * A call that has its status or was cancelled passes nothing on, in either direction. Keys made for the call
 * are wiped when it ends, and what was known of it is let go: Node's HTTP/2 streams outlive their calls until
 * the next full garbage collection, and all that they reach with them.
 *
 * Proofs are looked at, and calls let in, by turns of the event loop: what arrived together is checked
 * together, which costs less (next-turn.ts).
 */
import * as grpc from "@grpc/grpc-js";
import type { Link } from "../../collections/chain.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { OpenedRenewal } from "../../protocol/message-protection.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import { closeAfterStatus } from "../../rpc/close-stream.js";
import { takeServerBytes } from "../../rpc/grpc-js-internals.js";
import { AP_REP_METADATA, AP_REQ_METADATA, CALL_METADATA } from "../../rpc/metadata-names.js";
import type { RpcError } from "../../rpc/rpc-error.js";
import { toStatus } from "../../rpc/status.js";
import type { Wait } from "../../rpc/timeouts.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import { type Admission, Gate, type Looked } from "./admission.js";
import { type Caller, setCaller } from "./caller.js";
import { peerOf, receivedCall } from "./channel.js";
import type { GuardConfig, UnreadCall } from "./config.js";
import { ListenerWithCaller } from "./current-caller.js";
import { currentKeys } from "./keys.js";
import type { LiveStream } from "./live-streams.js";
import type { GuardedMessages } from "./messages.js";
import { type Proof, readProof } from "./proof.js";
import { provenStatus } from "./proven-status.js";
import type { Peer } from "./received-call.js";
import type { ReplayWaiter } from "./replay.js";
import { CallReport } from "./report.js";
import type { CallState, Checking, Listener, Looking, Serving } from "./state.js";

type Method = Parameters<grpc.ServerInterceptor>[0];
type Status = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

const NEW: CallState = { at: "new" };
const OVER: CallState = { at: "over" };

/**
 * grpc-js's call with a guard in it. It stands in for the interceptor's requester and listener both, and
 * passes everything on itself: layers and closures for each step would cost as much as the checks.
 */
export class GuardedServerCall
  extends grpc.ServerInterceptingCall
  implements Listener, ReplayWaiter, UnreadCall, LiveStream
{
  readonly #config: GuardConfig;
  readonly #method: Method;
  readonly #next: grpc.ServerInterceptingCallInterface;
  /** Undefined: nobody is told of calls. */
  readonly #report: CallReport | undefined;
  /** Its waits: for its request, and for the replay cache. */
  #unread: Wait<UnreadCall> | undefined;
  replayWait: Wait<ReplayWaiter> | undefined;
  /** Its place among the streams that go on. */
  #live: Link<LiveStream> | undefined;
  #state: CallState = NEW;
  /** Whether the client has ended its half of the stream, and that was seen. */
  #halfClosed = false;

  /** @param next the call below: the wire's. */
  constructor(config: GuardConfig, method: Method, next: grpc.ServerInterceptingCallInterface) {
    super(next);
    this.#config = config;
    this.#method = method;
    this.#next = next;
    this.#report = CallReport.of(config, method.path, next);
  }

  override start(listener: Listener): void {
    const told = this.#config.currentCaller ? new ListenerWithCaller(listener) : listener;
    this.#state = { at: "started", listener: told };
    this.#next.start(this);
  }

  onReceiveMetadata(metadata: grpc.Metadata): void {
    const state = this.#state;
    if (state.at !== "started") return;
    try {
      if (!takeServerBytes(this.#next)) throw new TypeError("a server needs one guard, and has two");
      const proof = readProof(metadata.get(AP_REQ_METADATA), metadata.get(CALL_METADATA));
      metadata.remove(AP_REQ_METADATA);
      metadata.remove(CALL_METADATA);
      const looking: Looking = { at: "looking", listener: state.listener };
      this.#state = looking;
      if (!this.#method.requestStream) this.#unread = this.#config.unread.add(this);
      this.#config.inTurn(() => this.#look(looking, metadata, proof));
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Looks at the proof, and reads the request of a call that may have been sent by whom it names. */
  #look(looking: Looking, metadata: grpc.Metadata, proof: Proof): void {
    if (this.#state !== looking) return;
    const { listener } = looking;
    const { gate, keys, clock, withCertificate } = this.#config;
    try {
      const peer = peerOf(this.#next, withCertificate);
      const looked = gate.look(proof, currentKeys(keys, this), peer, clock());
      if (this.#method.requestStream) {
        const checking: Checking = { at: "checking", listener, metadata, request: undefined };
        this.#state = checking;
        this.#admit(checking, looked, peer);
      } else {
        // The single request comes first: the proof covers its bytes.
        this.#state = { at: "reading", listener, metadata, looked, peer };
        this.#next.startRead();
      }
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveMessage(received: unknown): void {
    const state = this.#state;
    try {
      const bytes = received as Buffer;
      if (!Buffer.isBuffer(bytes))
        throw new TypeError("an interceptor before the guard changed a message: list the guard first");
      if (state.at === "reading") {
        const { listener, metadata, looked, peer } = state;
        this.#config.unread.end(this.#unread);
        const checking: Checking = { at: "checking", listener, metadata, request: bytes };
        this.#state = checking;
        this.#config.inTurn(() => this.#admit(checking, looked, peer));
      } else if (!this.#method.requestStream)
        throw new KrbError("KRB_AP_ERR_MODIFIED", "a second request, which the proof does not cover", {
          field: "request",
        });
      else if (state.at === "serving") this.#receive(state, bytes);
      else throw readTooEarly();
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveHalfClose(): void {
    this.#halfClosed = true;
    const state = this.#state;
    try {
      if (state.at === "reading")
        throw new KrbError("KRB_ERR_GENERIC", "the call has no request", { field: "request" });
      if (state.at !== "serving") throw readTooEarly();
      state.messages.checkEnded();
      state.listener.onReceiveHalfClose();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** grpc-js tells of the end of every call in this way, whatever the outcome. */
  onCancel(): void {
    const state = this.#state;
    this.#config.replayCache?.forget(this);
    this.#leave(OVER);
    // A client that was refused before it had sent all may never end its half.
    if (!this.#halfClosed) closeAfterStatus(this.#next);
    if ("listener" in state) state.listener.onCancel();
  }

  override startRead(): void {
    const state = this.#state;
    if (state.at === "holding") {
      const { request, ...letIn } = state;
      this.#state = { ...letIn, at: "serving" };
      state.listener.onReceiveMessage(request);
    } else this.#next.startRead();
  }

  override sendMetadata(metadata: grpc.Metadata): void {
    try {
      this.#answered(metadata);
    } catch (error) {
      this.#refuse(error);
    }
  }

  override sendMessage(message: unknown, callback: () => void): void {
    try {
      const messages = this.#answered();
      this.#next.sendMessage(messages.protect(this.#method.responseSerialize(message)), callback);
    } catch (error) {
      this.#refuse(error);
    }
  }

  override sendStatus(status: Status): void {
    const state = this.#state;
    if (state.at === "ended" || state.at === "over") return;
    try {
      const messages = this.#messages;
      if (status.code === grpc.status.OK) {
        const end = this.#answered().endMarker();
        if (end !== undefined) this.#next.sendMessage(end, () => {});
      }
      this.#next.sendStatus(messages === undefined ? status : provenStatus(status, messages));
      // A call has one status: whatever comes later is passed over. An interceptor behind the guard may
      // refuse one that is not let in yet, and then it never is.
      if ("listener" in state && this.#state === state)
        this.#leave({ at: "ended", listener: state.listener });
    } catch (error) {
      this.#refuse(error);
    }
  }

  giveUp(error: KrbError | RpcError): void {
    this.#refuse(error);
  }

  look(service: ServiceKeys | undefined, now: number): void {
    const state = this.#state;
    const refusal = "stream" in state ? state.stream?.refusal(service, now) : undefined;
    if (refusal !== undefined) this.#refuse(refusal);
  }

  onFailure(error: unknown): void {
    this.#report?.failed(error);
  }

  /** Checks the proof, and lets the call in or refuses it. */
  #admit(checking: Checking, looked: Looked, peer: Peer): void {
    if (this.#state !== checking) {
      Gate.discard(looked);
      return;
    }
    const { gate, keys, clock, callers, idempotentMethods } = this.#config;
    const now = clock();
    let admission: Admission;
    try {
      const service = currentKeys(keys, this);
      const idempotent = idempotentMethods.find(this.#method.path) !== undefined;
      const call = receivedCall(this.#next, this.#method, checking.request, idempotent);
      admission = gate.admit(looked, service, call, peer, now);
    } catch (error) {
      Gate.discard(looked);
      this.#refuse(error);
      return;
    }
    if (callers.isEmpty && admission.replays.length === 0)
      this.#conclude(checking, admission, admission.refusal, now);
    else void this.#wait(checking, admission, now);
  }

  /** Asks the rules and the replay cache, which may take their time. Never rejects. */
  async #wait(checking: Checking, admission: Admission, now: number): Promise<void> {
    const { callers, replayCache } = this.#config;
    let refusal: unknown = admission.refusal;
    if (refusal === undefined && !callers.isEmpty)
      refusal = await errorOf(() => callers.check(admission.caller, this.#method.path));
    try {
      for (const replay of admission.replays) {
        if (this.#state !== checking) break;
        await replayCache?.store(replay, now, this);
      }
      this.#conclude(checking, admission, refusal, now);
    } catch (error) {
      admission.messages.wipe();
      if (this.#state === checking) this.#refuse(error);
    }
  }

  /** Goes on with a call whose proof is good and came for the first time. */
  #conclude(checking: Checking, admission: Admission, refusal: unknown, now: number): void {
    const { messages, caller } = admission;
    if (this.#state !== checking) {
      messages.wipe();
      return;
    }
    try {
      if (refusal === undefined) this.#letIn(checking, admission, now);
      else this.#refuse(refusal, messages, caller);
    } catch (error) {
      this.#refuse(error, messages, caller);
    } finally {
      // Unless the call was let in, its state does not know these keys.
      if (messages !== this.#messages) messages.wipe();
    }
  }

  #letIn(checking: Checking, { caller, messages, stream }: Admission, now: number): void {
    const { listener, metadata, request } = checking;
    const letIn = { listener, caller, messages, stream, metadata };
    if (request === undefined) this.#state = { at: "serving", ...letIn };
    else {
      const opened = messages.open(request);
      if (opened.kind !== "message")
        throw new KrbError(
          "KRB_AP_ERR_MODIFIED",
          `${opened.kind === "end" ? "an end marker" : "a renewal"} in place of the request`,
          { field: "request" },
        );
      const decoded = this.#decode(opened.message);
      this.#state = { at: "holding", ...letIn, request: decoded };
    }
    if (stream !== undefined) this.#live = this.#config.streams.add(this);
    setCaller(metadata, caller);
    this.#report?.letIn(caller, now);
    listener.onReceiveMetadata(metadata);
  }

  /** A message of a stream. */
  #receive(state: Serving, bytes: Buffer): void {
    const opened = state.messages.open(bytes);
    if (opened.kind === "message") state.listener.onReceiveMessage(this.#decode(opened.message));
    else if (opened.kind === "end") this.#next.startRead();
    else this.#renew(state, opened);
  }

  /** Nothing more is read until the rules are asked: renewals are taken one at a time. */
  #renew(state: Serving, renewal: OpenedRenewal): void {
    const { keys, clock, callers } = this.#config;
    const { stream } = state;
    if (stream === undefined) throw new TypeError("renewal: expected a stream");
    const grounds = stream.verify(renewal, currentKeys(keys, this), clock());
    const goOn = () => {
      if (this.#state !== state) return;
      stream.goOn(grounds);
      state.caller = grounds.caller;
      setCaller(state.metadata, grounds.caller);
      this.#report?.renewed(grounds.caller);
      this.#next.startRead();
    };
    if (callers.isEmpty) goOn();
    else
      void callers
        .check(grounds.caller, this.#method.path)
        .then(goOn)
        .catch((error) => this.#refuse(error));
  }

  #decode(message: Uint8Array): unknown {
    try {
      return this.#method.requestDeserialize(toBuffer(message));
    } catch {
      throw new KrbError("KRB_ERR_GENERIC", `malformed request of ${this.#method.path}`, {
        field: "request",
      });
    }
  }

  /**
   * Sends the initial metadata once, and the AP-REP with it.
   * @returns what protects the responses.
   * @throws TypeError for a call that is not let in, or not any more.
   */
  #answered(given?: grpc.Metadata): GuardedMessages {
    const messages = this.#messages;
    if (messages === undefined) throw new TypeError("an interceptor behind the guard answered by itself");
    if (!messages.isAnswered) {
      const metadata = given?.clone() ?? new grpc.Metadata();
      const apRep = messages.answer();
      if (apRep !== undefined) metadata.set(AP_REP_METADATA, apRep);
      this.#next.sendMetadata(metadata);
    }
    return messages;
  }

  get #messages(): GuardedMessages | undefined {
    const state = this.#state;
    return "messages" in state ? state.messages : undefined;
  }

  /**
   * Ends the call with what `error` says; whatever comes of a call that has ended, a second status does not.
   * @param messages of a call that is not let in, yet whose proof was good: they prove the refusal.
   */
  #refuse(error: unknown, messages = this.#messages, by?: Caller): void {
    const state = this.#state;
    if (!("listener" in state) || state.at === "ended") return;
    const status = toStatus(error);
    const ending = messages === undefined ? status : provenStatus(status, messages);
    this.#leave({ at: "ended", listener: state.listener });
    const wasLetIn = "caller" in state;
    this.#report?.refused(error, wasLetIn ? state.caller : by, wasLetIn);
    this.#next.sendStatus(ending);
  }

  /** Goes to a state that passes nothing on. */
  #leave(state: CallState): void {
    this.#messages?.wipe();
    if ("stream" in this.#state && this.#state.stream !== undefined) this.#config.streams.remove(this.#live);
    if (this.#state.at === "looking" || this.#state.at === "reading") this.#config.unread.end(this.#unread);
    if (this.#state.at === "reading") Gate.discard(this.#state.looked);
    this.#state = state;
  }
}

/** What a check throws; undefined: nothing. */
async function errorOf(check: () => Promise<void>): Promise<unknown> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return error ?? new TypeError("a rule threw nothing");
  }
}

function readTooEarly(): TypeError {
  return new TypeError("an interceptor read ahead of the guard: list the guard first");
}
