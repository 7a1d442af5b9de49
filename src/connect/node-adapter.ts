/**
 * The server: Connect's handlers for Node's HTTP/2 server, with the guard before them.
 *
 *   http2.createServer(guardedNodeAdapter({ routes }, { keytab: "orders.keytab" })).listen(8080)
 *
 * Invariant. A method that is not public is reached by the gRPC protocol alone, and through the guard alone:
 * over Connect's own protocol and over gRPC-Web there is no proof, so these are refused.
 */
import { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type ConnectRouter, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { type ConnectNodeAdapterOptions, connectNodeAdapter } from "@connectrpc/connect-node";
import * as grpc from "@grpc/grpc-js";
import { AP_REQ_METADATA, CALL_METADATA } from "../rpc/metadata-names.js";
import { identity } from "../rpc/service-definition.js";
import { withServerSpan } from "../rpc/traced-calls.js";
import { loadTracing } from "../rpc/tracing.js";
import { GuardedServerCall } from "../services/guard/call.js";
import { type GuardOptions, readGuardOptions } from "../services/guard/config.js";
import { givesStream, HandlerCall, takesStream } from "./handler-call.js";
import { WireCall } from "./wire-call.js";

/** What Connect's adapter is told: `routes`, and the rest. Compressed messages are not taken. */
export type GuardedAdapterOptions = Omit<
  ConnectNodeAdapterOptions,
  "acceptCompression" | "requestPathPrefix"
>;

/** A request handler for `http.createServer` and `http2.createServer`. */
export type NodeHandler = ReturnType<typeof connectNodeAdapter>;

interface GuardedHandler {
  readonly handler: UniversalHandler;
  readonly method: grpc.ServerMethodDefinition<Buffer, Buffer>;
}

const GRPC = /^application\/grpc(?:\+(?:proto|json))?(?:;.*)?$/i;
/** Neither the proof nor what belongs to the transport is the handler's. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  AP_REQ_METADATA,
  CALL_METADATA,
  "grpc-encoding",
  "grpc-accept-encoding",
]);
const MAX_BYTES = 4 << 20;
const METHOD_NOT_ALLOWED = 405;
const UNSUPPORTED_MEDIA_TYPE = 415;
const HTTP_VERSION_NOT_SUPPORTED = 505;

/**
 * Connect's adapter, in place of `connectNodeAdapter`, with a guard before its handlers.
 * @param options what Connect's is told.
 * @param guardOptions what `guard` is told.
 * @throws TypeError or RangeError naming an option that is wrong.
 */
export function guardedNodeAdapter(options: GuardedAdapterOptions, guardOptions: GuardOptions): NodeHandler {
  const config = readGuardOptions(guardOptions);
  void loadTracing();
  const guarded = new Map<string, GuardedHandler>();
  const routes = (router: ConnectRouter) => {
    options.routes(router);
    // Connect's own adapter gets nothing but what is public.
    for (const handler of router.handlers.splice(0)) {
      const { requestPath } = handler;
      if (config.publicMethods.find(requestPath) !== undefined) router.handlers.push(handler);
      else guarded.set(requestPath, { handler, method: methodOf(handler) });
    }
  };
  const open = connectNodeAdapter({ ...options, routes, acceptCompression: [] });
  return (request, response) => {
    const found = guarded.get(request.url?.split("?", 1)[0] ?? "");
    if (found === undefined) return open(request, response);
    if (!(request instanceof Http2ServerRequest && response instanceof Http2ServerResponse))
      return refuse(response, HTTP_VERSION_NOT_SUPPORTED);
    if (request.method !== "POST") return refuse(response, METHOD_NOT_ALLOWED);
    if (!GRPC.test(request.headers["content-type"] ?? "")) return refuse(response, UNSUPPORTED_MEDIA_TYPE);
    // It passes over what is no metadata.
    const metadata = grpc.Metadata.fromHttp2Headers(request.headers);
    const maxBytes = options.readMaxBytes ?? MAX_BYTES;
    const wire = new WireCall({ request, response, metadata, maxBytes });
    const call = new GuardedServerCall(config, found.method, withServerSpan(found.method.path, wire));
    const scheme = request.scheme === "https" ? "https" : "http";
    const url = `${scheme}://${wire.getHost()}${found.handler.requestPath}`;
    const values = options.contextValues?.(request) ?? createContextValues();
    call.start(new HandlerCall(call, found.handler, { url, header: headersOf(request), values }));
  };
}

function refuse(response: Parameters<NodeHandler>[1], status: number): void {
  response.statusCode = status;
  response.end();
}

function methodOf(handler: UniversalHandler): GuardedHandler["method"] {
  return {
    path: handler.requestPath,
    requestStream: takesStream(handler),
    responseStream: givesStream(handler),
    requestDeserialize: identity,
    responseSerialize: identity,
  };
}

/** The headers that the handler is given. */
function headersOf(request: Http2ServerRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith(":") || NOT_PASSED_ON.has(name)) continue;
    for (const one of [value].flat())
      try {
        if (one !== undefined) headers.append(name, one);
      } catch {
        // The peer's bytes: what is no header of the Fetch API's is passed over.
      }
  }
  return headers;
}
