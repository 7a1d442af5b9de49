/**
 * One guarded call on the client: between an application that knows nothing of tickets and the bytes of the wire.
 *
 * Invariants. Nothing goes out before the ticket is there and, for a single request, before its bytes are. Nothing comes
 * in before the service proved itself; OK from a service that did not is KRB_AP_ERR_MUT_FAIL. The application gets one
 * status, whatever ends the call and whenever: grpc-js itself loses that of a call which ends before it starts. What was
 * known of a call is let go with it: Node's HTTP/2 streams outlive their calls, and all they reach with them.
 */
import * as grpc from "@grpc/grpc-js";
import { mutualFailure } from "../../protocol/ap-exchange.js";
import { isProtected, type Protection } from "../../protocol/call-binding.js";
import type { Key } from "../../protocol/keys.js";
import { KrbError } from "../../protocol/krb-error.js";
import { MessageOpener, MessageProtector, REQUESTS, RESPONSES } from "../../protocol/message-protection.js";
import { AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { toStatus } from "../../rpc/status.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import { checkChannel, type InnermostCall, takeInnermost } from "./channel.js";
import { CallProof, makeMessageKeys, type ServiceProof } from "./proof.js";
import { wantsNewTicket } from "./refused-ticket.js";

/** What all calls of one interceptor share. */
export interface GuardedCallConfig {
  readonly protection: Protection;
  readonly allowInsecureChannel: boolean;
  /** Gets the ticket. */
  readonly prove: () => Promise<ServiceProof>;
  /** Has a ticket forgotten that the service can't use. */
  readonly forget: (proof: ServiceProof) => Promise<void>;
}

type Method = grpc.InterceptorOptions["method_definition"];
type MessageContext = Parameters<grpc.InterceptingCall["sendMessageWithContext"]>[0];
type Step = () => void;

/** grpc-js's call with a ticket on it: the interceptor's requester and listener both. */
export class GuardedCall extends grpc.InterceptingCall implements grpc.InterceptingListener {
  readonly #config: GuardedCallConfig;
  readonly #method: Method;
  readonly #next: grpc.InterceptingCall;
  #keys: Key[] | undefined;
  #listener: Partial<grpc.InterceptingListener> | undefined;
  #metadata: grpc.Metadata | undefined;
  #innermost: InnermostCall | undefined;
  #proof: ServiceProof | undefined;
  /** What the application did before the call could start. */
  #steps: Step[] | undefined = [];
  #first: { readonly context: MessageContext; readonly bytes: Uint8Array } | undefined;
  #callProof: CallProof | undefined;
  #failure: unknown;
  #protector: MessageProtector | undefined;
  #opener: MessageOpener | undefined;
  #proven = false;
  #over = false;

  /** Makes the call and all below it. */
  constructor(config: GuardedCallConfig, options: grpc.InterceptorOptions, nextCall: grpc.NextCall) {
    let attempt: () => grpc.Metadata;
    const own = grpc.credentials.createFromMetadataGenerator((_parameters, callback) => {
      try {
        callback(null, attempt());
      } catch (error) {
        callback(error as Error);
      }
    });
    const credentials = options.credentials?.compose(own) ?? own;
    const next = nextCall({ ...options, credentials }) as grpc.InterceptingCall;
    super(next);
    attempt = () => this.#attempt();
    this.#config = config;
    this.#method = options.method_definition;
    this.#next = next;
  }

  override start(metadata: grpc.Metadata, listener: Partial<grpc.InterceptingListener> = {}): void {
    this.#listener = listener;
    // Copied now: the application may go on with its own while the call waits for its ticket.
    this.#metadata = metadata.clone();
    this.#metadata.remove(AP_REQ_METADATA);
    void this.#prepare();
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
    if (!this.#method.requestStream && this.#steps !== undefined && this.#first === undefined) {
      this.#first = { context, bytes };
      this.#launch();
    } else {
      this.#do(() => this.#next.sendMessageWithContext(context, this.#protect(bytes)));
    }
  }

  override halfClose(): void {
    this.#do(() => {
      if (this.#method.requestStream) this.#next.sendMessage(toBuffer(this.#protector!.end()));
      this.#next.halfClose();
    });
  }

  override startRead(): void {
    this.#do(() => this.#next.startRead());
  }

  override cancelWithStatus(status: grpc.status, details: string): void {
    // Comes back by the listener or, before the start, by the watcher.
    this.#next.cancelWithStatus(status, details);
  }

  /** Gets what the call needs before it starts. Rejects never. */
  async #prepare(): Promise<void> {
    try {
      this.#innermost = takeInnermost(this.#next);
      // A deadline, the parent call or the application may end the call while it waits for its ticket.
      this.#innermost.watchEnd((status) => {
        if (this.#steps !== undefined) this.#finish(status);
      });
      checkChannel(this.#innermost, this.#config.allowInsecureChannel);
      this.#proof = await this.#config.prove();
      this.#launch();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** Starts the call once all is there. */
  #launch(): void {
    const proof = this.#proof;
    const { requestStream, responseStream, path: method } = this.#method;
    if (this.#over || proof === undefined || (!requestStream && this.#first === undefined)) return;
    const { protection } = this.#config;
    const { authority } = this.#innermost!;
    const keys = makeMessageKeys(proof, protection, { requestStream, responseStream });
    if (keys !== undefined) {
      this.#keys = [keys.subkey];
      if (isProtected(protection, requestStream))
        this.#protector = new MessageProtector(REQUESTS, keys, protection);
    }
    const request = this.#first && this.#protect(this.#first.bytes);
    this.#callProof = new CallProof(proof, keys, { method, authority, protection, request });
    const steps = this.#steps ?? [];
    this.#steps = undefined;
    this.#next.start(this.#metadata!, this);
    if (request !== undefined) this.#next.sendMessageWithContext(this.#first!.context, request);
    this.#first = undefined;
    for (const step of steps) step();
  }

  onReceiveMetadata(metadata: grpc.Metadata): void {
    if (this.#over) return;
    try {
      const { protection } = this.#config;
      const keys = this.#callProof!.verify(metadata);
      if (keys !== undefined) {
        this.#keys!.push(keys.subkey);
        if (isProtected(protection, this.#method.responseStream))
          this.#opener = new MessageOpener(RESPONSES, keys, protection);
      }
      this.#proven = true;
      this.#listener?.onReceiveMetadata?.(metadata);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveMessage(received: Buffer | null): void {
    if (this.#over) return;
    try {
      // null is grpc-js's sign that a single response is missing; the status follows.
      if (received === null) this.#listener?.onReceiveMessage?.(null);
      else this.#receiveMessage(received);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveStatus(status: grpc.StatusObject): void {
    if (this.#over) return;
    try {
      if (this.#failure !== undefined) throw this.#failure;
      if (status.code === grpc.status.OK) {
        if (!this.#proven) throw mutualFailure();
        if (this.#method.responseStream) this.#opener!.checkEnded();
      } else if (wantsNewTicket(status)) {
        void this.#endWithoutTicket(status);
        return;
      }
      this.#end()?.onReceiveStatus?.(status);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #attempt(): grpc.Metadata {
    try {
      if (this.#callProof === undefined) throw new RpcError(grpc.status.CANCELLED, "the call is over");
      return this.#callProof.attempt();
    } catch (error) {
      // grpc-js passes on no more than a text: the status that follows is replaced.
      this.#failure = error;
      throw error;
    }
  }

  #receiveMessage(received: Buffer): void {
    if (!this.#proven) throw mutualFailure();
    const opened = this.#opener?.open(received) ?? { end: false, message: received };
    if (!opened.end) this.#listener?.onReceiveMessage?.(this.#decode(opened.message));
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

  #protect(bytes: Uint8Array): Buffer {
    return toBuffer(this.#protector?.protect(bytes) ?? bytes);
  }

  /** Runs a step now or when the call has started. */
  #do(step: Step): void {
    if (this.#over) return;
    if (this.#steps === undefined) step();
    else this.#steps.push(step);
  }

  /** Ends the call with what `error` says, on both sides. */
  #refuse(error: unknown): void {
    if (this.#over) return;
    const status = toStatus(error);
    this.#finish(status);
    this.#next.cancelWithStatus(status.code, status.details);
  }

  #finish(status: grpc.StatusObject): void {
    if (this.#over) return;
    const listener = this.#end();
    // Not at once: the application may be in the middle of starting or cancelling the call.
    process.nextTick(() => listener?.onReceiveStatus?.(status));
  }

  /** The status comes when the ticket is forgotten, so that the application's next call asks for a new one. */
  async #endWithoutTicket(status: grpc.StatusObject): Promise<void> {
    const proof = this.#proof!;
    const listener = this.#end();
    // The refusal is what the application must learn, whatever becomes of the cache.
    await this.#config.forget(proof).catch(() => {});
    listener?.onReceiveStatus?.(status);
  }

  /** Wipes the call's keys and lets go of all but the listener, which is still to get the status. */
  #end(): Partial<grpc.InterceptingListener> | undefined {
    this.#over = true;
    for (const key of this.#keys ?? []) key.wipe();
    const listener = this.#listener;
    this.#keys = undefined;
    this.#listener = undefined;
    this.#metadata = undefined;
    this.#innermost = undefined;
    this.#proof = undefined;
    this.#steps = undefined;
    this.#first = undefined;
    this.#callProof = undefined;
    this.#protector = undefined;
    this.#opener = undefined;
    return listener;
  }
}
