/** Calls of methods that are known at run time only. */
import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  Message,
} from "@bufbuild/protobuf";
import { type CallOptions, ServiceClient } from "./client-runtime.js";

/** What a method is called with: for a method that takes no stream, the first alone. */
export type DynamicRequests = AsyncIterable<Message> | Iterable<Message>;

/** A client of any service whose descriptor is at hand. */
export class DynamicClient extends ServiceClient {
  /** Calls a method of any kind, and yields its responses as they come: one, where it answers no stream. */
  async *call(
    method: DescMethod,
    requests: DynamicRequests,
    options: CallOptions = {},
  ): AsyncGenerator<Message, void, undefined> {
    switch (method.methodKind) {
      case "unary":
        yield await this.callUnary(method as DescMethodUnary, await first(requests), options);
        return;
      case "client_streaming":
        yield await this.callClientStream(method as DescMethodClientStreaming, requests, options);
        return;
      case "server_streaming":
        yield* this.callServerStream(method as DescMethodServerStreaming, await first(requests), options);
        return;
      case "bidi_streaming":
        yield* this.callBidiStream(method as DescMethodBiDiStreaming, requests, options);
    }
  }
}

async function first(requests: DynamicRequests): Promise<Message> {
  for await (const request of requests) return request;
  throw new TypeError("requests: expected one, got none");
}
