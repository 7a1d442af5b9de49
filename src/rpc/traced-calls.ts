/**
 * Spans around guarded calls of grpc-js: an interceptor above the client's guard, one below the server's. So
 * the client's span covers its ticket and its repeats, and the server's every refusal, and the handler.
 */
import * as grpc from "@grpc/grpc-js";
import { KrbError } from "../protocol/krb-error.js";
import { fromServiceError } from "./status.js";
import { isTracing, type TracedCall, traceClientCall, traceServerCall } from "./tracing.js";

/**
 * A call of a client under a span, if somebody takes spans.
 * @param open makes the call below; its ticket is fetched under the span as well.
 */
export function withClientSpan(
  { method_definition: { path } }: grpc.InterceptorOptions,
  open: () => grpc.InterceptingCall,
): grpc.InterceptingCall {
  const span = traceClientCall(path);
  return span === undefined ? open() : new TracedClientCall(span, open());
}

class TracedClientCall extends grpc.InterceptingCall {
  constructor(span: TracedCall, next: grpc.InterceptingCall) {
    super(next, {
      start: (metadata, _, start) =>
        span.run(() =>
          start(span.injected(metadata), {
            onReceiveStatus: (status, pass) => {
              span.end(status.code, reasonOf(status));
              pass(status);
            },
          }),
        ),
    });
  }
}

/** A call of a server under a span, if somebody takes spans: handlers run in its context. */
export function withServerSpan(
  path: string,
  next: grpc.ServerInterceptingCallInterface,
): grpc.ServerInterceptingCallInterface {
  return isTracing() ? new TracedServerCall(path, next) : next;
}

class TracedServerCall extends grpc.ServerInterceptingCall {
  constructor(path: string, next: grpc.ServerInterceptingCallInterface) {
    let span: TracedCall | undefined;
    const under = (tell: () => void) => (span === undefined ? tell() : span.run(tell));
    const end = (code: grpc.status, reason?: string) => {
      span?.end(code, reason);
      span = undefined;
    };
    super(next, {
      start: (start) =>
        start({
          onReceiveMetadata: (metadata, pass) => {
            span = traceServerCall(path, metadata);
            under(() => pass(metadata));
          },
          onReceiveMessage: (message, pass) => under(() => pass(message)),
          onReceiveHalfClose: (pass) => under(pass),
          // The end of every call; one that has its status already has no span any more.
          onCancel: () => end(grpc.status.CANCELLED),
        }),
      sendStatus: (status, pass) => {
        end(status.code ?? grpc.status.UNKNOWN, reasonOf(status));
        pass(status);
      },
    });
  }
}

type PartialStatus = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

/** RFC 4120's name of a refusal, which is in the status's details. */
function reasonOf(status: PartialStatus): string | undefined {
  if (status.code === grpc.status.OK) return undefined;
  const error = fromServiceError(status);
  return error instanceof KrbError ? error.reason : undefined;
}
