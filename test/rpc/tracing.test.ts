/**
 * OpenTelemetry: one trace from a login to the handler, by the SDK that most programs register; and nothing
 * of it where none is registered.
 */
import * as grpc from "@grpc/grpc-js";
import * as api from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { loadTracing } from "../../src/rpc/tracing.js";
import { openWorld, SERVICE, type World } from "../services/guard/world.js";

const PASSWORD = "secret";

/** What is registered stays in the process: only while these tests run. */
describe("with an SDK", () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  beforeAll(async () => {
    provider.register();
    await loadTracing();
  });
  afterEach(() => exporter.reset());
  afterAll(async () => {
    await provider.shutdown();
    api.trace.disable();
    api.context.disable();
    api.propagation.disable();
  });

  /** Spans as a tree: each is its kind and name, below its parent. */
  function tree(spans: readonly ReadableSpan[], parent: string | undefined): unknown[] {
    return spans
      .filter((span) => span.parentSpanContext?.spanId === parent)
      .map((span) => [`${api.SpanKind[span.kind]} ${span.name}`, ...tree(spans, span.spanContext().spanId)]);
  }

  const called = (spans: readonly ReadableSpan[], name: string, kind: api.SpanKind) =>
    spans.find((span) => span.name === name && span.kind === kind)!;

  /** A root, and under it a login and a call of the guarded service. */
  async function loginAndCall(world: World): Promise<readonly ReadableSpan[]> {
    const tracer = api.trace.getTracer("test");
    await tracer.startActiveSpan("job", async (span) => {
      const client = await world.realm.login("alice", PASSWORD);
      await world.client({ as: client }).say("hello");
      span.end();
    });
    return exporter.getFinishedSpans();
  }

  test("one trace leads from the login over AS and TGS to the guarded call and its handler", async () => {
    let inHandler: api.SpanContext | undefined;
    await using world = await openWorld({
      sessions: true,
      handlers: {
        say: (call, callback) => {
          inHandler = api.trace.getActiveSpan()?.spanContext();
          api.trace.getTracer("test").startSpan("work of the handler").end();
          callback(null, { text: call.request.text });
        },
      },
    });
    exporter.reset();
    const spans = await loginAndCall(world);
    expect(new Set(spans.map((span) => span.spanContext().traceId)).size).toBe(1);
    const [as, tgs] = [
      "kerberos.v1.AuthenticationService/Authenticate",
      "kerberos.v1.TicketGrantingService/GrantTicket",
    ];
    const say = spans.find(({ kind, name }) => kind === api.SpanKind.SERVER && /Say$/.test(name))!;
    expect(tree(spans, undefined)).toEqual([
      [
        "INTERNAL job",
        ["INTERNAL tessera.login", [`CLIENT ${as}`, [`SERVER ${as}`]]],
        [
          `CLIENT ${say.name}`,
          [`CLIENT ${tgs}`, [`SERVER ${tgs}`]],
          // Refused for want of a challenge, and made once more.
          [`SERVER ${say.name}`],
          [`SERVER ${say.name}`, ["INTERNAL work of the handler"]],
        ],
      ],
    ]);
    expect(spans.map((span) => span.spanContext().spanId)).toContain(inHandler?.spanId);
    expect(called(spans, as, api.SpanKind.CLIENT).attributes).toEqual({
      "rpc.system": "grpc",
      "rpc.service": "kerberos.v1.AuthenticationService",
      "rpc.method": "Authenticate",
      "rpc.grpc.status_code": 0,
    });
    const refused = spans.filter(({ name, kind }) => name === say.name && kind === api.SpanKind.SERVER);
    expect(refused.map(({ attributes }) => attributes["tessera.reason"])).toEqual([
      "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
      undefined,
    ]);
  });

  test("a refusal has its code and its reason, and is an error of the client alone", async () => {
    await using world = await openWorld();
    exporter.reset();
    await expect(world.realm.login("alice", "wrong")).rejects.toMatchObject({
      reason: "KDC_ERR_PREAUTH_FAILED",
    });
    const spans = exporter.getFinishedSpans();
    const name = "kerberos.v1.AuthenticationService/Authenticate";
    for (const kind of [api.SpanKind.CLIENT, api.SpanKind.SERVER])
      expect(called(spans, name, kind)).toMatchObject({
        attributes: { "rpc.grpc.status_code": 16, "tessera.reason": "KDC_ERR_PREAUTH_FAILED" },
        status: { code: kind === api.SpanKind.CLIENT ? api.SpanStatusCode.ERROR : api.SpanStatusCode.UNSET },
        events: [],
      });
    expect(called(spans, "tessera.login", api.SpanKind.INTERNAL)).toMatchObject({
      attributes: { "tessera.reason": "KDC_ERR_PREAUTH_FAILED" },
      status: { code: api.SpanStatusCode.ERROR },
    });
  });

  test("no span has a password, a key, a ticket or a principal", async () => {
    await using world = await openWorld();
    exporter.reset();
    const spans = await loginAndCall(world);
    await world.realm.login("alice", "wrong password").catch(() => {});
    const keys = await Promise.all(
      ["alice", SERVICE, `krbtgt/${world.realm.policy.realm}`].map((name) => world.realm.keys(name)),
    );
    const secrets = keys.flatMap(({ keys: held }) => held.map(({ key }) => Buffer.from(key.exportBytes())));
    expect(secrets.length).toBeGreaterThan(4);
    expect(spans.length).toBeGreaterThan(6);
    const text = [...spans, ...exporter.getFinishedSpans()].map(allOf).join("\n");
    for (const secret of secrets)
      for (const encoding of ["latin1", "hex", "base64", "base64url"] as const)
        expect(text.includes(secret.toString(encoding).replace(/=+$/, ""))).toBe(false);
    expect(text).not.toMatch(/secret|wrong password|alice|@TEST\.EXAMPLE|api\.example\.test/);
  });

  test("where it is asked for, the server's spans say who calls", async () => {
    await using world = await openWorld({ guard: { tracePrincipals: true } });
    exporter.reset();
    const spans = await loginAndCall(world);
    const say = spans.filter(({ kind, name }) => kind === api.SpanKind.SERVER && /Say$/.test(name));
    expect(say.map(({ attributes }) => attributes["tessera.client"])).toEqual(["alice@TEST.EXAMPLE"]);
    expect(spans.filter(({ attributes }) => "tessera.client" in attributes)).toHaveLength(1);
  });

  test("streams have one span, which ends with their status", async () => {
    await using world = await openWorld();
    exporter.reset();
    expect(await world.client().list("a b")).toEqual(["a", "b"]);
    const kinds = exporter.getFinishedSpans().filter(({ name }) => name === "chat.v1.Chat/List");
    expect(kinds.map(({ kind }) => api.SpanKind[kind]).sort()).toEqual(["CLIENT", "SERVER"]);
  });
});

/** All that a span tells. */
function allOf({ name, attributes, events, links, status, resource }: ReadableSpan): string {
  return JSON.stringify([name, attributes, events, links, status, resource.attributes]);
}

test("without an SDK nothing is loaded, and no call carries a trace", async () => {
  expect(loadTracing()).toBeUndefined();
  const carried: string[] = [];
  const before: grpc.ServerInterceptor = (_, call) =>
    new grpc.ServerInterceptingCall(call, {
      start: (start) =>
        start({
          onReceiveMetadata: (metadata, pass) => {
            carried.push(...Object.keys(metadata.getMap()));
            pass(metadata);
          },
        }),
    });
  await using world = await openWorld({ before: [before] });
  await world.client().say("hello");
  expect(carried.length).toBeGreaterThan(0);
  expect(carried).not.toContain("traceparent");
});
