/**
 * OpenTelemetry: spans of calls, and the trace context in their metadata, by its conventions for RPC. This is
 * the one file that knows the API (`@opentelemetry/api`, an optional peer).
 *
 * Invariants. Where no SDK is registered nothing is loaded and nothing is made: a call costs one look-up. A
 * span has names of services, methods and refusals, and numbers: no key, password or ticket, and no principal
 * but by `tracePrincipal`, which is asked for by an option. Nothing here throws into a call.
 */

import * as grpc from "@grpc/grpc-js";
import type * as Api from "@opentelemetry/api";
import { KrbError } from "../protocol/krb-error.js";
import { toStatus } from "./status.js";

/** Where every version 1 of the API keeps what an SDK has registered. */
const REGISTERED = Symbol.for("opentelemetry.js.api.1");

/** Whether an SDK has registered who takes spans. */
function isRegistered(): boolean {
  return (globalThis as { [REGISTERED]?: { readonly trace?: unknown } })[REGISTERED]?.trace !== undefined;
}

let api: typeof Api | undefined;
let loading: Promise<void> | undefined;

/**
 * Loads the API if an SDK is registered; undefined: there is none, or it is loaded already. Calls that begin
 * before it is there have no span.
 */
export function loadTracing(): Promise<void> | undefined {
  if (api !== undefined || !isRegistered()) return undefined;
  loading ??= import("@opentelemetry/api").then(
    (loaded) => {
      api = loaded;
    },
    () => {},
  );
  return loading;
}

/** The API, if somebody takes spans. */
function current(): typeof Api | undefined {
  if (api === undefined) void loadTracing();
  else if (isRegistered()) return api;
  return undefined;
}

/** Whether somebody takes spans. */
export function isTracing(): boolean {
  return current() !== undefined;
}

/** Says who calls, on the span of the call that is under way. Only where that was asked for. */
export function tracePrincipal(client: string): void {
  current()?.trace.getActiveSpan()?.setAttribute("tessera.client", client);
}

/** A call that has a span. */
export class TracedCall {
  readonly #api: typeof Api;
  readonly #span: Api.Span;
  readonly #context: Api.Context;
  readonly #isServer: boolean;

  /** @internal */
  constructor(loaded: typeof Api, parent: Api.Context, path: string, isServer: boolean) {
    const [, service = "", method = ""] = path.split("/");
    this.#api = loaded;
    this.#isServer = isServer;
    this.#span = tracer(loaded).startSpan(
      `${service}/${method}`,
      {
        kind: isServer ? loaded.SpanKind.SERVER : loaded.SpanKind.CLIENT,
        attributes: { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method },
      },
      parent,
    );
    this.#context = loaded.trace.setSpan(parent, this.#span);
  }

  /** Runs what belongs to the call: spans that are made there are its children. */
  run<T>(work: () => T): T {
    return this.#api.context.with(this.#context, work);
  }

  /** A copy of a call's metadata, with the trace's context (W3C's `traceparent`, as a rule) in it. */
  injected(metadata: grpc.Metadata = new grpc.Metadata()): grpc.Metadata {
    const copy = metadata.clone();
    this.#api.propagation.inject(this.#context, copy, {
      set: (carrier, key, value) => carrier.set(key.toLowerCase(), value),
    });
    return copy;
  }

  /** Ends the span by a status. @param reason RFC 4120's name of a refusal, if it is one. */
  end(code: grpc.status, reason?: string): void {
    this.#span.setAttribute("rpc.grpc.status_code", code);
    if (reason !== undefined) this.#span.setAttribute("tessera.reason", reason);
    if (this.#isServer ? SERVER_FAULTS.has(code) : code !== grpc.status.OK)
      this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    this.#span.end();
  }

  /** Ends the span by what the call threw; of it the span gets code and reason, and never the text. */
  fail(error: unknown): void {
    this.end(toStatus(error).code, error instanceof KrbError ? error.reason : undefined);
  }
}

/** Codes that are a server's own fault: a refusal is none (OpenTelemetry's conventions for gRPC). */
const SERVER_FAULTS: ReadonlySet<grpc.status> = new Set([
  grpc.status.UNKNOWN,
  grpc.status.DEADLINE_EXCEEDED,
  grpc.status.UNIMPLEMENTED,
  grpc.status.INTERNAL,
  grpc.status.UNAVAILABLE,
  grpc.status.DATA_LOSS,
]);

/**
 * Begins the span of a call that is made here; undefined where nobody takes spans.
 * @param path `/package.Service/Method`.
 */
export function traceClientCall(path: string): TracedCall | undefined {
  const loaded = current();
  return loaded && new TracedCall(loaded, loaded.context.active(), path, false);
}

/** Begins the span of a call that came; its metadata may name the trace that it belongs to. */
export function traceServerCall(path: string, metadata: grpc.Metadata): TracedCall | undefined {
  const loaded = current();
  if (loaded === undefined) return undefined;
  const parent = loaded.propagation.extract(loaded.context.active(), metadata, {
    keys: (carrier) => Object.keys(carrier.getMap()),
    get: (carrier, key) => carrier.get(key.toLowerCase()).map(String),
  });
  return new TracedCall(loaded, parent, path, true);
}

/** Runs work under a span of its own, which is none of a call: a login. */
export async function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  await loadTracing();
  const loaded = current();
  if (loaded === undefined) return work();
  return tracer(loaded).startActiveSpan(name, async (span) => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof KrbError) span.setAttribute("tessera.reason", error.reason);
      span.setStatus({ code: loaded.SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}

function tracer(loaded: typeof Api): Api.Tracer {
  return loaded.trace.getTracer("tessera-sso");
}
