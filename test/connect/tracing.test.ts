/** Spans of calls from Connect's client to Connect's handlers, and what a guard counts of them. */
import * as api from "@opentelemetry/api";
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadTracing } from "../../src/rpc/tracing.js";
import { metricsPage, prometheusMetrics } from "../../src/services/metrics/prometheus.js";
import { openConnect } from "./world.js";

const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
beforeAll(async () => {
  provider.register();
  await loadTracing();
});
afterAll(async () => {
  await provider.shutdown();
  api.trace.disable();
  api.context.disable();
  api.propagation.disable();
});

test("one trace from client to handler, where its span is the current one; each call is counted", async () => {
  const metrics = await prometheusMetrics({ process: false });
  let inHandler: string | undefined;
  await using world = await openConnect({
    guard: { metrics },
    handlers: {
      add: ({ text }) => {
        inHandler = api.trace.getActiveSpan()?.spanContext().spanId;
        return { text, owner: "" };
      },
    },
  });
  const client = world.connect();
  await client.add({ text: "first" });
  exporter.reset();
  await client.add({ text: "hello" });
  const [server, called] = exporter.getFinishedSpans();
  expect([server?.kind, called?.kind]).toEqual([api.SpanKind.SERVER, api.SpanKind.CLIENT]);
  expect(server?.name).toMatch(/NoteService\/Add$/);
  expect(server?.parentSpanContext?.spanId).toBe(called?.spanContext().spanId);
  expect(server?.spanContext().spanId).toBe(inHandler);
  expect(server?.attributes["rpc.grpc.status_code"]).toBe(0);
  const { text } = await metricsPage([await metrics.snapshot()], undefined);
  expect(text).toMatch(/^tessera_guard_calls_total\{method="[^"]*NoteService\/Add",reason="OK"\} 2$/m);
});
