/**
 * One guarded call on the client: between an application that knows nothing of tickets and the bytes of the wire.
 *
 * Invariants. Nothing goes out before the ticket is there and, for a single request, before its bytes are. Nothing comes
 * in before the service proved itself; OK from a service that did not is KRB_AP_ERR_MUT_FAIL. The application gets one
 * status, whatever ends the call and whenever: grpc-js itself loses that of a call which ends before it starts.
 */
import * as grpc from "@grpc/grpc-js";
import { mutualFailure } from "../protocol/ap-exchange.js";
import { isProtected, type Protection } from "../protocol/call-binding.js";
import type { Key } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { MessageOpener, MessageProtector, REQUESTS, RESPONSES } from "../protocol/message-protection.js";
import { AP_REQ_METADATA } from "../rpc/metadata-names.js";
import { RpcError } from "../rpc/rpc-error.js";
import { toStatus } from "../rpc/status.js";
import { checkChannel, type InnermostCall, takeInnermost } from "./guarded-call-channel.js";
import { CallProof, makeMessageKeys, type ServiceProof } from "./guarded-call-proof.js";

/** What all calls of one interceptor share. */
export interface GuardedCallConfig {
  readonly protection: Protection;
  readonly allowInsecureChannel: boolean;
  /** Gets the ticket. */
  readonly prove: () => Promise<ServiceProof>;
}

type Method = grpc.InterceptorOptions["method_definition"];
type MessageContext = Parameters<grpc.InterceptingCall["sendMessageWithContext"]>[0];
type Step = () => void;

/** grpc-js's call with a ticket on it. */
export class GuardedCall extends grpc.InterceptingCall {
  readonly #config: GuardedCallConfig;
  readonly #method: Method;
  readonly #next: grpc.InterceptingCall;
  readonly #keys: Key[] = [];
  #listener: Partial<grpc.InterceptingListener> = {};
  #metadata = new grpc.Metadata();
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
      if (this.#method.requestStream) this.#next.sendMessage(buffer(this.#protector!.end()));
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
      this.#keys.push(keys.subkey);
      if (isProtected(protection, requestStream))
        this.#protector = new MessageProtector(REQUESTS, keys, protection);
    }
    const request = this.#first && this.#protect(this.#first.bytes);
    this.#callProof = new CallProof(proof, keys, { method, authority, protection, request });
    const steps = this.#steps ?? [];
    this.#steps = undefined;
    this.#next.start(this.#metadata, {
      onReceiveMetadata: (metadata) => this.#guarded(() => this.#receiveMetadata(metadata)),
      onReceiveMessage: (message) => this.#guarded(() => this.#receiveMessage(message)),
      onReceiveStatus: (status) => this.#guarded(() => this.#receiveStatus(status)),
    });
    if (request !== undefined) this.#next.sendMessageWithContext(this.#first!.context, request);
    this.#first = undefined;
    for (const step of steps) step();
  }

  #attempt(): grpc.Metadata {
    try {
      return this.#callProof!.attempt();
    } catch (error) {
      // grpc-js passes on no more than a text: the status that follows is replaced.
      this.#failure = error;
      throw error;
    }
  }

  #receiveMetadata(metadata: grpc.Metadata): void {
    const { protection } = this.#config;
    const keys = this.#callProof!.verify(metadata);
    if (keys !== undefined) {
      this.#keys.push(keys.subkey);
      if (isProtected(protection, this.#method.responseStream))
        this.#opener = new MessageOpener(RESPONSES, keys, protection);
    }
    this.#proven = true;
    this.#listener.onReceiveMetadata?.(metadata);
  }

  #receiveMessage(received: Buffer | null): void {
    if (received === null) {
      // grpc-js's sign that a single response is missing; the status follows.
      this.#listener.onReceiveMessage?.(null);
      return;
    }
    if (!this.#proven) throw mutualFailure();
    const opened = this.#opener?.open(received) ?? { end: false, message: received };
    if (!opened.end) this.#listener.onReceiveMessage?.(this.#decode(opened.message));
    else if (this.#method.responseStream) this.#next.startRead();
    else throw new KrbError("KRB_AP_ERR_MODIFIED", "an end marker, not a response", { field: "response" });
  }

  #receiveStatus(status: grpc.StatusObject): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (status.code === grpc.status.OK) {
      if (!this.#proven) throw mutualFailure();
      if (this.#method.responseStream) this.#opener!.checkEnded();
    }
    this.#over = true;
    this.#wipe();
    this.#listener.onReceiveStatus?.(status);
  }

  #decode(message: Uint8Array): unknown {
    try {
      return this.#method.responseDeserialize(buffer(message));
    } catch (error) {
      const details = `Response message parsing error: ${error instanceof Error ? error.message : error}`;
      throw new RpcError(grpc.status.INTERNAL, details, { cause: error });
    }
  }

  #protect(bytes: Uint8Array): Buffer {
    return buffer(this.#protector?.protect(bytes) ?? bytes);
  }

  /** Runs a step now or when the call has started. */
  #do(step: Step): void {
    if (this.#over) return;
    if (this.#steps === undefined) step();
    else this.#steps.push(step);
  }

  #guarded(step: Step): void {
    if (this.#over) return;
    try {
      step();
    } catch (error) {
      this.#refuse(error);
    }
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
    this.#over = true;
    this.#steps = undefined;
    this.#wipe();
    // Not at once: the application may be in the middle of starting or cancelling the call.
    process.nextTick(() => this.#listener.onReceiveStatus?.(status));
  }

  #wipe(): void {
    for (const key of this.#keys) key.wipe();
  }
}

/** The same bytes as a Buffer, which grpc-js and its codecs want. */
function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
