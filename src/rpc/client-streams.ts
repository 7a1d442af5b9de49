/**
 * The two directions of a client's streams: bytes to messages and messages to bytes, at the other side's
 * pace.
 */
import { setImmediate } from "node:timers/promises";
import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type * as grpc from "@grpc/grpc-js";
import { decodeResponse, encodeMessage } from "./service-definition.js";
import { fromServiceError } from "./status.js";

/** Where requests come from. */
export type Requests<I extends DescMessage> =
  | AsyncIterable<MessageInitShape<I>>
  | Iterable<MessageInitShape<I>>;
/** A call that takes requests. */
export type WritingCall = grpc.ClientWritableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Buffer>;

// How many requests are written before the rest of the process gets its turn.
const WRITES_AT_ONCE = 16;

/** The responses of a stream; what it fails with is what `failure` makes of it. */
export async function* receive<O extends DescMessage>(
  call: grpc.ClientReadableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Buffer>,
  schema: O,
  failure: (error: unknown) => Error = fromServiceError,
): AsyncGenerator<MessageShape<O>, void, undefined> {
  try {
    for await (const bytes of call) yield decodeResponse(schema, bytes);
  } catch (error) {
    throw failure(error);
  }
}

/** Requests that are being sent. */
export interface Sending {
  /** Why the requests broke off, if they did. */
  failure: { error: unknown } | undefined;
  /** Takes no more requests. */
  stop(): void;
}

/** Sends requests as fast as the server reads them, then ends that half of the call. */
export function sendAll<I extends DescMessage>(
  call: WritingCall,
  schema: I,
  requests: Requests<I>,
  onFailure: (error: unknown) => void,
): Sending {
  let stopped = false;
  const iterator =
    Symbol.asyncIterator in requests ? requests[Symbol.asyncIterator]() : requests[Symbol.iterator]();
  const leave = async () => {
    await iterator.return?.();
  };
  const sending: Sending = {
    failure: undefined,
    stop: () => {
      if (stopped) return;
      stopped = true;
      leave().catch(() => {}); // nobody wants these requests any more, nor their errors
    },
  };
  const run = async () => {
    for (let sent = 0; !stopped; sent++) {
      // grpc-js takes writes at once into its retry buffer: without a pause, requests that never wait would
      // let nothing else run.
      if (sent % WRITES_AT_ONCE === 0) await setImmediate();
      const step = await iterator.next();
      if (stopped) return;
      if (step.done) {
        stopped = true;
        call.end();
        return;
      }
      if (!call.write(encodeMessage(schema, step.value))) await drained(call);
    }
  };
  run().catch((error: unknown) => {
    if (stopped) return;
    sending.failure = { error };
    sending.stop();
    onFailure(error);
  });
  return sending;
}

/** Waits until the call takes more, or has ended. */
function drained(call: WritingCall): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "error", "close", "status"]) call.removeListener(event, done);
      resolve();
    };
    for (const event of ["drain", "error", "close", "status"]) call.on(event, done);
  });
}
