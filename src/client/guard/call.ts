/**
 * One guarded call on the client: between an application that knows nothing of tickets and the bytes of the
 * wire.
 *
 * Invariants. Nothing goes out before the ticket is there and, for a single request, before its bytes are. No
 * response is handed over before the service has proved itself; an answer that it has not proved is
 * KRB_AP_ERR_MUT_FAIL, but for the refusals that come before any proof. The application gets one status,
 * whatever ends the call and whenever: grpc-js itself loses that of a call which ends before it starts. A
 * call is made once more where its time was refused and the KDC's clock is by now another, or, at most twice,
 * where the service asks for a challenge: no handler has seen it. Keys made for the call are wiped when it
 * ends, and what was known of it is let go: Node's HTTP/2 streams outlive their calls, and all that they
 * reach with them.
 */

import * as grpc from "@grpc/grpc-js";
import { mutualFailure } from "../../protocol/ap-rep.js";
import { isProtected, messageSha256 } from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import type { OpenedMessage } from "../../protocol/message-protection.js";
import { boundHost } from "../../rpc/authority.js";
import { takeClientBytes } from "../../rpc/grpc-js-internals.js";
import { AP_REQ_METADATA, CALL_METADATA } from "../../rpc/metadata-names.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { fromServiceError, toStatus } from "../../rpc/status.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import { isTimeRefused } from "../clock-offset.js";
import { CallBelow } from "./call-below.js";
import { checkChannel } from "./channel.js";
import { choosePlan, secureCall } from "./chosen-security.js";
import type { InterceptorConfig } from "./config.js";
import { isMendedByTicket } from "./refused-ticket.js";
import { mayRepeat, refusedAttempt } from "./repeats.js";
import { type MessageContext, RequestWriter, toldOnce } from "./request-writer.js";
import type { Beginning } from "./sessions.js";
import {
  type CallState,
  keep,
  type Listener,
  type Proven,
  type Ready,
  type Repeat,
  type Sent,
  type Step,
  type UnderWay,
  type Waiting,
} from "./state.js";
import { StreamRenewal } from "./stream-renewal.js";
import type { ServiceProof } from "./tickets.js";
import { isMoreRequired, passesUnproven, unproven } from "./unproven-status.js";

type Method = grpc.InterceptorOptions["method_definition"];

const OVER: CallState = { at: "over" };

/** grpc-js's call with a ticket on it: the interceptor's requester and listener both. */
export class GuardedCall extends grpc.InterceptingCall implements grpc.InterceptingListener {
  readonly #config: InterceptorConfig;
  readonly #method: Method;
  readonly #next: CallBelow;
  #state: CallState = { at: "new", steps: [] };
  /** The session that the call is to begin; others wait for it, until it is over. */
  #beginning: Beginning | undefined;
  /** Ends the watch on the channel, while the call waits. */
  #unwatch = () => {};

  /** Makes the call, and all below it. */
  constructor(config: InterceptorConfig, options: grpc.InterceptorOptions, nextCall: grpc.NextCall) {
    const next = new CallBelow(options, nextCall, () => this.#attempt());
    super(next.call);
    this.#config = config;
    this.#method = options.method_definition;
    this.#next = next;
  }

  override start(metadata: grpc.Metadata, listener: Listener = {}): void {
    const state = this.#state;
    if (state.at !== "new") return;
    // Copied now: the application may go on with its own while the call waits for its ticket.
    const own = metadata.clone();
    own.remove(AP_REQ_METADATA);
    own.remove(CALL_METADATA);
    void this.#getTicket({ at: "waiting", listener, metadata: own, steps: state.steps });
  }

  override sendMessage(message: unknown): void {
    this.sendMessageWithContext({}, message);
  }

  override sendMessageWithContext(context: MessageContext, message: unknown): void {
    let bytes: Uint8Array;
    try {
      bytes = this.#method.requestSerialize(message);
    } catch (error) {
      const details = `Request message serialization failure: ${error instanceof Error ? error.message : error}`;
      this.cancelWithStatus(grpc.status.INTERNAL, details);
      return;
    }
    this.#take({ does: "send", context: toldOnce(context), bytes });
  }

  override halfClose(): void {
    this.#take({ does: "halfClose" });
  }

  override startRead(): void {
    this.#take({ does: "startRead" });
  }

  override getPeer(): string {
    return this.#next.call.getPeer();
  }

  override cancelWithStatus(status: grpc.status, details: string): void {
    // Comes back to the listener or, before the call has started, to the watcher of its end.
    this.#next.cancel(status, details);
  }

  onReceiveMetadata(metadata: grpc.Metadata): void {
    const state = this.#state;
    if (state.at !== "sent") return;
    const { repeat: _, refused: __, ...underWay } = state;
    try {
      state.security.begin(metadata);
      this.#state = { ...underWay, at: "proven" };
      state.listener.onReceiveMetadata?.(metadata);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveMessage(received: Buffer | null): void {
    const state = this.#state;
    if (state.at !== "sent" && state.at !== "proven") return;
    try {
      // null is grpc-js's sign that a single response is missing; the status follows.
      if (received === null) state.listener.onReceiveMessage?.(null);
      else if (state.at === "sent") throw mutualFailure();
      else this.#receive(state, received);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveStatus(status: grpc.StatusObject): void {
    const state = this.#state;
    try {
      if (state.at === "failed") throw state.error;
      if (state.at !== "sent" && state.at !== "proven") return;
      const { security, listener } = state;
      const isProven = security.isProven(status);
      const refusal = status.code === grpc.status.OK ? undefined : fromServiceError(status);
      // What is proven comes from a handler: the call ran.
      const again = state.at === "sent" && !isProven ? this.#again(state, status, refusal) : undefined;
      if (again !== undefined && this.#next.reopen()) {
        void this.#getTicket(again);
        return;
      }
      if (!isProven && !passesUnproven(status, refusal, security, this.#next.ownEnds(state.below)))
        throw unproven(status, refusal);
      if (status.code === grpc.status.OK) security.checkEnded();
      if (state.held !== undefined && isProven) this.#hand(listener, state.held);
      this.#leave(OVER);
      if (isTimeRefused(refusal)) void this.#tellAfter(this.#isCorrected(state.ticket), state, status);
      else if (isMendedByTicket(refusal)) void this.#tellAfter(this.#forget(state.ticket), state, status);
      else listener.onReceiveStatus?.(status);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** The call once more; undefined where its refusal does not ask for that. */
  #again(state: Sent, status: grpc.StatusObject, refusal: unknown): Waiting | undefined {
    const { repeat, listener, ticket, session, below } = state;
    if (session !== undefined && isMoreRequired(refusal))
      this.#config.sessions?.forget(below.channel, ticket.credentials, session);
    const refused = refusedAttempt(state, status, refusal);
    if (repeat === undefined || refused === undefined) return undefined;
    const { metadata, steps } = repeat;
    return { at: "waiting", listener, metadata, steps, refused };
  }

  /** Gets what the call needs before it starts. Never rejects. */
  async #getTicket(waiting: Waiting): Promise<void> {
    this.#leave(waiting);
    try {
      const below = takeClientBytes(this.#next.call, (status) => this.#endBelow(status));
      const { tickets, service, allowInsecureChannel } = this.#config;
      checkChannel(below, allowInsecureChannel);
      this.#unwatch = below.onClosed(() => this.#refuse(channelClosed()));
      if (this.#state !== waiting) return;
      const { refused } = waiting;
      if (refused?.forItsTime === true && !(await this.#isCorrected(refused.ticket))) {
        if (this.#state === waiting) this.#end(refused.status);
        return;
      }
      const ticket = await tickets.serviceProof(service);
      if (this.#state !== waiting) return;
      const plan = await choosePlan(this.#config, waiting, below.channel, ticket, this.#beginning);
      if (plan.by === "exchange") this.#beginning = plan.beginning;
      if (this.#state !== waiting) {
        this.#beginning?.settle(undefined);
        return;
      }
      const ready: Ready = { ...waiting, at: "ready", below, ticket, plan };
      this.#state = ready;
      this.#launch(ready);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** What the application does: kept until the call starts, and passed on from then on. */
  #take(step: Step, request?: Buffer): void {
    const state = this.#state;
    if ("steps" in state) {
      state.steps.push(step);
      if (state.at === "ready" && step.does === "send") this.#launch(state);
    }
    if (state.at !== "sent" && state.at !== "proven") return;
    if (state.at === "sent") keep(state, step);
    const { requests, security } = state;
    if (step.does === "send") requests.send(step.context, request ?? security.protect(step.bytes));
    else if (step.does === "halfClose") {
      state.renewal?.stop();
      requests.end(security.endMarker());
    } else this.#next.call.startRead();
  }

  /** Starts the call, unless its single request is missing. */
  #launch(ready: Ready): void {
    const { listener, metadata, steps, below, ticket, plan, refused } = ready;
    const { requestStream, path: method } = this.#method;
    const first = requestStream ? undefined : steps.find((step) => step.does === "send");
    if (first === undefined && !requestStream) return;
    try {
      const security = secureCall(this.#config, this.#method, ready);
      const request = first && security.protect(first.bytes);
      const authority = boundHost(below.authority);
      const { protection } = this.#config;
      security.bind({ method, authority, protection, requestSha256: request && messageSha256(request) });
      const session = plan.by === "session" ? plan.session : undefined;
      const repeat: Repeat | undefined = mayRepeat(refused, below)
        ? { metadata, steps: [], size: 0 }
        : undefined;
      const requests = new RequestWriter(this.#next.call);
      this.#unwatch();
      const renewal = isProtected(protection, true) && requestStream ? this.#keepUp(ticket) : undefined;
      const underWay = { listener, below, ticket, renewal, session, security, requests };
      this.#state = { at: "sent", ...underWay, refused, repeat };
      this.#next.call.start(metadata.clone(), this);
      for (const step of steps) this.#take(step, step === first ? request : undefined);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #keepUp(ticket: ServiceProof): StreamRenewal {
    return new StreamRenewal(this.#config, ticket, {
      renew: (next) => this.#renew(next),
      end: (reason) => this.#refuse(reason),
    });
  }

  /** Sends a renewal in its turn among the requests, which are a stream. */
  #renew(next: ServiceProof): void {
    const state = this.#state;
    if (state.at !== "sent" && state.at !== "proven") return;
    state.requests.send({}, state.security.renewal(next));
    state.ticket = next;
  }

  /**
   * The metadata of one attempt. grpc-js passes on no more of an error than its text: the status that follows
   * is replaced.
   */
  #attempt(): grpc.Metadata {
    const state = this.#state;
    if (state.at !== "sent" && state.at !== "proven")
      throw new RpcError(grpc.status.CANCELLED, "the call is over");
    try {
      return state.security.attempt();
    } catch (error) {
      this.#leave({ at: "failed", listener: state.listener, error });
      throw error;
    }
  }

  #receive(state: Proven, received: Buffer): void {
    const { security, listener } = state;
    const { responseStream } = this.#method;
    const opened = security.open(received);
    if (opened.kind === "message" && !responseStream && security.provesEnd) state.held = opened;
    else if (opened.kind === "message") this.#hand(listener, opened);
    else if (this.#method.responseStream) this.#next.call.startRead();
    else
      throw new KrbError("KRB_AP_ERR_MODIFIED", "an end marker in place of the response", {
        field: "response",
      });
  }

  #hand(listener: Listener, opened: OpenedMessage): void {
    if (opened.kind === "message") listener.onReceiveMessage?.(this.#decode(opened.message));
  }

  #decode(message: Uint8Array): unknown {
    try {
      return this.#method.responseDeserialize(toBuffer(message));
    } catch (error) {
      const details = `Response message parsing error: ${error instanceof Error ? error.message : error}`;
      throw new RpcError(grpc.status.INTERNAL, details, { cause: error });
    }
  }

  /**
   * A deadline, the parent call or the application may end the call before it has started, and the listener
   * hears nothing.
   */
  #endBelow(status: grpc.StatusObject): void {
    const { at } = this.#state;
    if (at === "waiting" || at === "ready") this.#finish(status);
  }

  /** Ends the call with what `error` says, on both sides. */
  #refuse(error: unknown): void {
    if (this.#state.at !== "over") this.#end(toStatus(error));
  }

  #end(status: grpc.StatusObject): void {
    this.#finish(status);
    this.#next.cancel(status.code, status.details);
  }

  #finish(status: grpc.StatusObject): void {
    const state = this.#state;
    this.#leave(OVER);
    // Not at once: the application may be in the middle of starting or cancelling the call.
    if ("listener" in state) process.nextTick(() => state.listener.onReceiveStatus?.(status));
  }

  /** The status comes when `work` is done, so that the application's next call finds things in order. */
  async #tellAfter(work: Promise<unknown>, { listener }: UnderWay, status: grpc.StatusObject): Promise<void> {
    // The refusal is what the application must learn, whatever becomes of the cache.
    await work.catch(() => {});
    listener.onReceiveStatus?.(status);
  }

  async #forget({ credentials }: ServiceProof): Promise<void> {
    await this.#config.tickets.forgetTicket?.(credentials);
  }

  async #isCorrected(ticket: ServiceProof): Promise<boolean> {
    return (await this.#config.tickets.correctClock?.(ticket)) ?? false;
  }

  /** Goes to a state that passes no message on. */
  #leave(state: CallState): void {
    this.#unwatch();
    if ("security" in this.#state) {
      this.#state.renewal?.stop();
      this.#state.security.wipe();
    }
    if (state.at === "over" || state.at === "failed") this.#beginning?.settle(undefined);
    this.#state = state;
  }
}

function channelClosed(): RpcError {
  return new RpcError(grpc.status.UNAVAILABLE, "the channel was closed before the call started");
}
