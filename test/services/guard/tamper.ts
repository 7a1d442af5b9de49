/** Somebody on the way: an interceptor nearer to the wire than the guard, who changes what passes. */
import * as grpc from "@grpc/grpc-js";

/** What becomes of the message at `index` of its direction: itself, nothing, or several. */
export type Change = (message: Buffer, index: number) => readonly Buffer[];

/** What is changed; what is not named passes. */
export interface Tampering {
  readonly requests?: Change;
  readonly responses?: Change;
  readonly metadata?: (metadata: grpc.Metadata) => void;
  readonly headers?: (metadata: grpc.Metadata) => void;
  readonly status?: (status: Status) => Status;
}

type Status = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

const pass: Change = (message) => [message];

/** The interceptor; `tampering` is asked for at each call. */
export function tamper(tampering: () => Tampering): grpc.ServerInterceptor {
  return (_method, call) => new TamperedCall(call, tampering());
}

type Listener = Parameters<grpc.ServerInterceptingCallInterface["start"]>[0];

class TamperedCall extends grpc.ServerInterceptingCall {
  readonly #next: grpc.ServerInterceptingCallInterface;
  readonly #tampering: Tampering;
  #received = 0;
  #sent = 0;

  constructor(next: grpc.ServerInterceptingCallInterface, tampering: Tampering) {
    super(next);
    this.#next = next;
    this.#tampering = tampering;
  }

  override start(listener: Listener): void {
    const { requests = pass, headers } = this.#tampering;
    this.#next.start({
      onReceiveMetadata: (metadata) => {
        headers?.(metadata);
        listener.onReceiveMetadata(metadata);
      },
      onReceiveMessage: (message: Buffer) => {
        const messages = requests(message, this.#received++);
        for (const changed of messages) listener.onReceiveMessage(changed);
        if (messages.length === 0) this.#next.startRead();
      },
      onReceiveHalfClose: () => listener.onReceiveHalfClose(),
      onCancel: () => listener.onCancel(),
    });
  }

  override sendMetadata(metadata: grpc.Metadata): void {
    this.#tampering.metadata?.(metadata);
    this.#next.sendMetadata(metadata);
  }

  override sendMessage(message: Buffer, callback: () => void): void {
    const { responses = pass } = this.#tampering;
    for (const changed of responses(message, this.#sent++)) this.#next.sendMessage(changed, () => {});
    callback();
  }

  override sendStatus(status: Status): void {
    const { status: change = (sent: Status) => sent } = this.#tampering;
    this.#next.sendStatus(change(status));
  }
}
