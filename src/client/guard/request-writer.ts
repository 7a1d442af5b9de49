/**
 * The requests of one attempt on their way to grpc-js, which takes one message at a time: a second that comes
 * before the first was written takes its place. An application that waits its turn never sees that; a call
 * that is made once more has all its requests at hand.
 */
import type * as grpc from "@grpc/grpc-js";

/** What grpc-js hands on beside a message. */
export type MessageContext = Parameters<grpc.InterceptingCall["sendMessageWithContext"]>[0];

type Waiting =
  | { readonly context: MessageContext; readonly bytes: Buffer }
  /** Nothing follows. */
  | "end";

/** Writes requests, each when the one before was written. */
export class RequestWriter {
  readonly #call: Pick<grpc.InterceptingCall, "sendMessageWithContext" | "halfClose">;
  readonly #waiting: Waiting[] = [];
  #writing = false;

  constructor(call: Pick<grpc.InterceptingCall, "sendMessageWithContext" | "halfClose">) {
    this.#call = call;
  }

  /** Writes a request as it travels. */
  send(context: MessageContext, bytes: Buffer): void {
    this.#waiting.push({ context, bytes });
    this.#write();
  }

  /** Ends the requests. @param marker the end marker, where one goes. */
  end(marker: Buffer | undefined): void {
    if (marker !== undefined) this.#waiting.push({ context: {}, bytes: marker });
    this.#waiting.push("end");
    this.#write();
  }

  #write(): void {
    // grpc-js itself lets the end wait for the message before it.
    while (this.#waiting[0] === "end" || (this.#waiting.length > 0 && !this.#writing)) {
      const next = this.#waiting.shift()!;
      if (next === "end") this.#call.halfClose();
      else this.#send(next.context, next.bytes);
    }
  }

  #send(context: MessageContext, bytes: Buffer): void {
    this.#writing = true;
    const callback: MessageContext["callback"] = (error) => {
      this.#writing = false;
      context.callback?.(error);
      this.#write();
    };
    this.#call.sendMessageWithContext({ ...context, callback }, bytes);
  }
}

/** Whoever waits for a message to be written is told once, however often it is. */
export function toldOnce(context: MessageContext): MessageContext {
  let { callback } = context;
  if (callback === undefined) return context;
  const once: MessageContext["callback"] = (error) => {
    const tell = callback;
    callback = undefined;
    tell?.(error);
  };
  return { ...context, callback: once };
}
