/**
 * One guarded call on the client: between an application that knows nothing of tickets and the bytes of the
 * wire.
 *
 * Invariants. Nothing goes out before the ticket is there and, for a single request, before its bytes are.
 * Nothing comes in before the service has proved itself; OK from a service that has not is
 * KRB_AP_ERR_MUT_FAIL. The application gets one status, whatever ends the call and whenever: grpc-js itself
 * loses that of a call which ends before it starts. A call with a single request is made once more where its
 * time was refused and the KDC's clock is by now another: no handler has seen it. Keys made for the call are
 * wiped when it ends, and what was known of it is let go: Node's HTTP/2 streams outlive their calls, and all
 * that they reach with them.
 */
import * as grpc from "@grpc/grpc-js";
import { sha256 } from "../../crypto/hash.js";
import { mutualFailure } from "../../protocol/ap-rep.js";
import { KrbError } from "../../protocol/krb-error.js";
import { boundHost } from "../../rpc/authority.js";
import { takeClientBytes } from "../../rpc/grpc-js-internals.js";
import { AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { fromServiceError, toStatus } from "../../rpc/status.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import { isTimeRefused } from "../clock-offset.js";
import { checkChannel } from "./channel.js";
import type { InterceptorConfig } from "./config.js";
import { GuardedMessages } from "./messages.js";
import { CallProof } from "./proof.js";
import { isMendedByTicket } from "./refused-ticket.js";
import type { CallState, Listener, MessageContext, Ready, Step, UnderWay, Waiting } from "./state.js";
import type { ServiceProof } from "./tickets.js";

type Method = grpc.InterceptorOptions["method_definition"];

const OVER: CallState = { at: "over" };

/** grpc-js's call with a ticket on it: the interceptor's requester and listener both. */
export class GuardedCall extends grpc.InterceptingCall implements grpc.InterceptingListener {
  readonly #config: InterceptorConfig;
  readonly #method: Method;
  /** Makes the call below: one, and another where it is tried again. */
  readonly #open: () => grpc.InterceptingCall;
  #next: grpc.InterceptingCall;
  #state: CallState = { at: "new", steps: [] };
  /** Ends the watch on the channel, while the call waits. */
  #unwatch = () => {};

  /** Makes the call, and all below it. */
  constructor(config: InterceptorConfig, options: grpc.InterceptorOptions, nextCall: grpc.NextCall) {
    let attempt: () => grpc.Metadata;
    const own = grpc.credentials.createFromMetadataGenerator((_parameters, callback) => {
      try {
        callback(null, attempt());
      } catch (error) {
        callback(error as Error);
      }
    });
    const credentials = options.credentials?.compose(own) ?? own;
    const open = () => nextCall({ ...options, credentials }) as grpc.InterceptingCall;
    const next = open();
    super(next);
    attempt = () => this.#attempt();
    this.#open = open;
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
    const state = this.#state;
    if (state.at === "sent" || state.at === "proven")
      this.#next.sendMessageWithContext(context, state.messages.protect(bytes));
    else if ("steps" in state) {
      state.steps.push({ does: "send", context, bytes });
      if (state.at === "ready") this.#launch(state);
    }
  }

  override halfClose(): void {
    const state = this.#state;
    if ("steps" in state) state.steps.push({ does: "halfClose" });
    if (state.at !== "sent" && state.at !== "proven") return;
    if (state.at === "sent") state.repeat?.steps.push({ does: "halfClose" });
    const end = state.messages.end();
    if (end !== undefined) this.#next.sendMessage(end);
    this.#next.halfClose();
  }

  override startRead(): void {
    const state = this.#state;
    if ("steps" in state) state.steps.push({ does: "startRead" });
    else if (state.at !== "over") {
      if (state.at === "sent") state.repeat?.steps.push({ does: "startRead" });
      this.#next.startRead();
    }
  }

  override getPeer(): string {
    return this.#next.getPeer();
  }

  override cancelWithStatus(status: grpc.status, details: string): void {
    // Comes back to the listener or, before the call has started, to the watcher of its end.
    this.#next.cancelWithStatus(status, details);
  }

  onReceiveMetadata(metadata: grpc.Metadata): void {
    const state = this.#state;
    if (state.at !== "sent") return;
    const { listener, ticket, proof, messages } = state;
    try {
      const keys = proof.verify(metadata);
      if (keys !== undefined) messages.answered(keys);
      this.#state = { at: "proven", listener, ticket, proof, messages };
      listener.onReceiveMetadata?.(metadata);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveMessage(received: Buffer | null): void {
    const state = this.#state;
    if (state.at !== "sent" && state.at !== "proven") return;
    const { listener } = state;
    try {
      // null is grpc-js's sign that a single response is missing; the status follows.
      if (received === null) listener.onReceiveMessage?.(null);
      else if (state.at === "sent") throw mutualFailure();
      else this.#receive(listener, state.messages, received);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveStatus(status: grpc.StatusObject): void {
    const state = this.#state;
    try {
      if (state.at === "failed") throw state.error;
      if (state.at !== "sent" && state.at !== "proven") return;
      if (status.code === grpc.status.OK) {
        if (state.at === "sent") throw mutualFailure();
        state.messages.checkEnded();
      }
      const refusal = status.code === grpc.status.OK ? undefined : fromServiceError(status);
      if (state.at === "sent" && isTimeRefused(refusal) && state.repeat !== undefined && this.#reopen()) {
        const { listener, ticket, repeat } = state;
        void this.#getTicket({ at: "waiting", listener, ...repeat, refused: { status, ticket } });
        return;
      }
      this.#leave(OVER);
      if (isTimeRefused(refusal)) void this.#tellAfter(this.#isCorrected(state.ticket), state, status);
      else if (isMendedByTicket(refusal)) void this.#tellAfter(this.#forget(state.ticket), state, status);
      else state.listener.onReceiveStatus?.(status);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Makes the call below anew; false where its channel has been closed. */
  #reopen(): boolean {
    try {
      this.#next = this.#open();
      return true;
    } catch {
      return false;
    }
  }

  /** Gets what the call needs before it starts. Never rejects. */
  async #getTicket(waiting: Waiting): Promise<void> {
    this.#leave(waiting);
    try {
      const below = takeClientBytes(this.#next, (status) => this.#endBelow(status));
      const { tickets, service, allowInsecureChannel } = this.#config;
      checkChannel(below, allowInsecureChannel);
      this.#unwatch = below.onClosed(() => this.#refuse(channelClosed()));
      if (this.#state !== waiting) return;
      const { refused } = waiting;
      if (refused !== undefined && !(await this.#isCorrected(refused.ticket))) {
        if (this.#state === waiting) this.#end(refused.status);
        return;
      }
      const ticket = await tickets.serviceProof(service);
      if (this.#state !== waiting) return;
      const ready: Ready = { ...waiting, at: "ready", below, ticket };
      this.#state = ready;
      this.#launch(ready);
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Starts the call, unless its single request is missing. */
  #launch({ listener, metadata, steps, below, ticket, refused }: Ready): void {
    const { requestStream, path: method } = this.#method;
    const request = requestStream ? undefined : steps.find((step) => step.does === "send");
    if (request === undefined && !requestStream) return;
    this.#unwatch();
    const { protection } = this.#config;
    const messages = new GuardedMessages(ticket.credentials.key, protection, this.#method);
    const bytes = request && messages.protect(request.bytes);
    const authority = boundHost(below.authority);
    const requestSha256 = bytes && sha256(bytes);
    const proof = new CallProof(ticket, messages.keys, { method, authority, protection, requestSha256 });
    const again = request !== undefined && refused === undefined;
    const repeat = again ? { metadata, steps: [request] as Step[] } : undefined;
    this.#state = { at: "sent", listener, ticket, proof, messages, repeat };
    this.#next.start(metadata, this);
    for (const step of steps) {
      if (step === request && bytes !== undefined) this.#next.sendMessageWithContext(step.context, bytes);
      else this.#take(step, messages);
    }
  }

  #take(step: Step, messages: GuardedMessages): void {
    if (step.does === "halfClose") this.halfClose();
    else if (step.does === "startRead") this.startRead();
    else this.#next.sendMessageWithContext(step.context, messages.protect(step.bytes));
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
      return state.proof.attempt();
    } catch (error) {
      this.#leave({ at: "failed", listener: state.listener, error });
      throw error;
    }
  }

  #receive(listener: Listener, messages: GuardedMessages, received: Buffer): void {
    const opened = messages.open(received);
    if (!opened.end) listener.onReceiveMessage?.(this.#decode(opened.message));
    else if (this.#method.responseStream) this.#next.startRead();
    else throw new KrbError("KRB_AP_ERR_MODIFIED", "an end marker, not a response", { field: "response" });
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
    this.#next.cancelWithStatus(status.code, status.details);
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
    if ("messages" in this.#state) this.#state.messages.wipe();
    this.#state = state;
  }
}

function channelClosed(): RpcError {
  return new RpcError(grpc.status.UNAVAILABLE, "the channel was closed before the call started");
}
