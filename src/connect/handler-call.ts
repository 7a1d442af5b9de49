/**
 * A call that a guard has let in, on its way to Connect's handler and back: messages as the guard opened
 * them, and responses for it to protect.
 */
import { Code, ConnectError, type ContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest } from "@connectrpc/connect/protocol";
import * as grpc from "@grpc/grpc-js";
import { RpcError } from "../rpc/rpc-error.js";
import { toStatus } from "../rpc/status.js";
import { setCall } from "./caller.js";
import { envelope, messagesOf } from "./envelopes.js";
import { metadataOf, statusText } from "./headers.js";

type Listener = Parameters<grpc.ServerInterceptingCallInterface["start"]>[0];

/** What Connect's handler is given, beside messages, caller and signal. */
export interface HandlerRequest {
  readonly url: string;
  /** Without what proves the call. */
  readonly header: Headers;
  readonly values: ContextValues;
}

/** What is behind the guard. */
export class HandlerCall implements Listener {
  readonly #guarded: grpc.ServerInterceptingCallInterface;
  readonly #handler: UniversalHandler;
  readonly #request: HandlerRequest;
  readonly #abort = new AbortController();
  readonly #requestStream: boolean;
  #single: Buffer | undefined;
  /** Of a stream: whoever waits for the next request, or for the end. */
  #waiting: ((next: Buffer | undefined) => void) | undefined;
  #requestsEnded = false;
  #isOver = false;

  constructor(
    guarded: grpc.ServerInterceptingCallInterface,
    handler: UniversalHandler,
    request: HandlerRequest,
  ) {
    this.#guarded = guarded;
    this.#handler = handler;
    this.#request = request;
    this.#requestStream = takesStream(handler);
  }

  onReceiveMetadata(metadata: grpc.Metadata): void {
    setCall(this.#request.values, metadata);
    if (this.#requestStream) void this.#run(this.#streamed());
    else this.#guarded.startRead();
  }

  onReceiveMessage(message: Buffer): void {
    if (this.#requestStream) this.#tell(message);
    else {
      this.#single = message;
      this.#guarded.startRead();
    }
  }

  onReceiveHalfClose(): void {
    this.#requestsEnded = true;
    if (this.#requestStream) this.#tell(undefined);
    else void this.#run(only(envelope(this.#single!)));
  }

  onCancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#abort.abort(new ConnectError("the call was cancelled", Code.Canceled));
    this.#tell(undefined);
  }

  #tell(next: Buffer | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(next);
  }

  /** The requests of a stream, each read when it is asked for. */
  async *#streamed(): AsyncGenerator<Uint8Array> {
    while (!this.#requestsEnded) {
      if (this.#isOver) throw this.#abort.signal.reason;
      const next = await new Promise<Buffer | undefined>((resolve) => {
        this.#waiting = resolve;
        this.#guarded.startRead();
      });
      if (next !== undefined) yield envelope(next);
    }
  }

  /** Runs Connect's handler, and passes on what comes of it. Never rejects. */
  async #run(body: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      const { status, header, body: responses, trailer } = await this.#handler(this.#universal(body));
      if (status !== 200 || trailer === undefined)
        throw new RpcError(grpc.status.INTERNAL, `the handler answered by HTTP status ${status}`);
      const metadata = metadataOf(header ?? new Headers());
      if (Object.keys(metadata.getMap()).length > 0) this.#guarded.sendMetadata(metadata);
      for await (const response of messagesOf(responses ?? none(), Number.POSITIVE_INFINITY)) {
        if (this.#isOver) return;
        await new Promise<void>((resolve) => this.#guarded.sendMessage(response, resolve));
      }
      this.#end({
        code: Number(trailer.get("grpc-status") ?? grpc.status.UNKNOWN),
        details: statusText(trailer.get("grpc-message")),
        metadata: metadataOf(trailer),
      });
    } catch (error) {
      this.#end(toStatus(error));
    }
  }

  #end(status: ReturnType<typeof toStatus>): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#guarded.sendStatus(status);
  }

  #universal(body: AsyncIterable<Uint8Array>): UniversalServerRequest {
    const { url, header, values } = this.#request;
    const { signal } = this.#abort;
    return { httpVersion: "2.0", method: "POST", url, header, body, signal, contextValues: values };
  }
}

/** Whether a handler's method takes a stream of requests. */
export function takesStream({ method: { methodKind } }: Pick<UniversalHandler, "method">): boolean {
  return methodKind === "client_streaming" || methodKind === "bidi_streaming";
}

/** Whether it gives a stream of responses. */
export function givesStream({ method: { methodKind } }: Pick<UniversalHandler, "method">): boolean {
  return methodKind === "server_streaming" || methodKind === "bidi_streaming";
}

async function* only(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}

async function* none(): AsyncGenerator<Uint8Array> {}
