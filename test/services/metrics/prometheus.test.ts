/** Metrics as Prometheus gets them: what is counted, under which labels, in both forms of text. */
import { Counter, Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import type { Figure } from "../../../src/services/metrics/metrics.js";
import {
  type MetricsSnapshot,
  metricsPage,
  type PrometheusMetrics,
  pastCounts,
  prometheusMetrics,
} from "../../../src/services/metrics/prometheus.js";

const OPEN = "application/openmetrics-text; version=1.0.0,text/plain;q=0.5";
/** The numbers of des-cbc-md5 and aes256-cts-hmac-sha384-192. */
const [DES, AES] = [3, 20];

async function linesOf(metrics: PrometheusMetrics, pattern: RegExp, accept?: string): Promise<string[]> {
  const { text } = await metricsPage([await metrics.snapshot()], accept);
  return text.split("\n").filter((line) => !line.startsWith("#") && pattern.test(line));
}

const plain = () => prometheusMetrics({ process: false });

describe("exchanges", () => {
  test("are counted by reason and etype, timed, and each weak etype once an exchange", async () => {
    const metrics = await plain();
    metrics.exchange({
      exchange: "AS",
      reason: "OK",
      etypes: { reply: DES, ticket: AES, session: DES },
      ms: 0.3,
    });
    metrics.exchange({ exchange: "AS", reason: "KDC_ERR_PREAUTH_FAILED", etypes: undefined, ms: 30 });
    metrics.exchange({ exchange: "V", reason: "OK", etypes: { session: AES }, ms: 1 });
    expect(await linesOf(metrics, /exchanges|weak|_sum|_count/)).toEqual([
      'tessera_exchanges_total{exchange="AS",reason="OK",etype="aes256-cts-hmac-sha384-192"} 1',
      'tessera_exchanges_total{exchange="AS",reason="KDC_ERR_PREAUTH_FAILED",etype="none"} 1',
      'tessera_exchanges_total{exchange="V",reason="OK",etype="aes256-cts-hmac-sha384-192"} 1',
      'tessera_exchange_duration_seconds_sum{exchange="AS"} 0.0303',
      'tessera_exchange_duration_seconds_count{exchange="AS"} 2',
      'tessera_exchange_duration_seconds_sum{exchange="V"} 0.001',
      'tessera_exchange_duration_seconds_count{exchange="V"} 1',
      'tessera_weak_etype_total{exchange="AS",etype="des-cbc-md5"} 1',
      "tessera_guard_decision_duration_seconds_sum 0",
      "tessera_guard_decision_duration_seconds_count 0",
    ]);
    expect(await linesOf(metrics, /bucket\{le="(0.0005|0.025|0.05)",exchange="AS"\}/)).toEqual([
      'tessera_exchange_duration_seconds_bucket{le="0.0005",exchange="AS"} 1',
      'tessera_exchange_duration_seconds_bucket{le="0.025",exchange="AS"} 1',
      'tessera_exchange_duration_seconds_bucket{le="0.05",exchange="AS"} 2',
    ]);
  });

  test("of more reasons than a label may have are counted as one", async () => {
    const metrics = await plain();
    for (let i = 0; i < 1_000; i++)
      metrics.exchange({ exchange: "V", reason: `R${i}`, etypes: undefined, ms: 0 });
    const lines = await linesOf(metrics, /exchanges_total/);
    expect(lines).toHaveLength(201);
    expect(lines.at(-1)).toBe('tessera_exchanges_total{exchange="V",reason="other",etype="none"} 800');
  });
});

describe("guarded calls", () => {
  test("are counted as they are decided, and again where the guard ends them", async () => {
    const metrics = await plain();
    const method = "/orders.v1.Orders/Watch";
    metrics.guardedCall({ method, reason: "OK", wasLetIn: false, ms: 2 });
    metrics.guardedCall({ method, reason: "KRB_AP_ERR_TKT_EXPIRED", wasLetIn: true, ms: 9_000 });
    expect(await linesOf(metrics, /guard_(calls|ended|.*count)/)).toEqual([
      `tessera_guard_calls_total{method="${method}",reason="OK"} 1`,
      `tessera_guard_ended_total{method="${method}",reason="KRB_AP_ERR_TKT_EXPIRED"} 1`,
      "tessera_guard_decision_duration_seconds_count 1",
    ]);
  });

  test("of more methods than a label may have are counted as one", async () => {
    const metrics = await plain();
    for (let i = 0; i < 201; i++)
      metrics.guardedCall({ method: `/m${i}`, reason: "OK", wasLetIn: false, ms: 1 });
    expect((await linesOf(metrics, /guard_calls/)).at(-1)).toMatch(/method="other",reason="OK"\} 1$/);
  });
});

describe("figures that are looked at", () => {
  const sessions = (value: number): Figure => ({ name: "tessera_sessions", value });
  const expiry = (value: number): Figure => ({
    name: "tessera_certificate_expiry_seconds",
    labels: { certificate: "server" },
    value,
  });

  test("add up, or come to the earliest end, and are there no more once nobody gives them", async () => {
    const metrics = await plain();
    const stops = [
      metrics.watch(() => [sessions(2), expiry(9)]),
      metrics.watch(async () => [sessions(3), expiry(4)]),
    ];
    expect(await linesOf(metrics, /sessions|certificate/)).toEqual([
      "tessera_sessions 5",
      'tessera_certificate_expiry_seconds{certificate="server"} 4',
    ]);
    for (const stop of stops) stop();
    expect(await linesOf(metrics, /sessions|certificate|probe|replay/)).toEqual([]);
  });

  test("show the totals that are kept elsewhere as counters", async () => {
    const metrics = await plain();
    let value = 7;
    metrics.watch(() => [{ name: "tessera_refused_at_door_total", labels: { cause: "calls" }, value }]);
    expect(await linesOf(metrics, /door/)).toEqual(['tessera_refused_at_door_total{cause="calls"} 7']);
    value = 9;
    expect(await linesOf(metrics, /door/)).toEqual(['tessera_refused_at_door_total{cause="calls"} 9']);
  });

  test("are left out where they can't be had, and keep nobody else's from being shown", async () => {
    const metrics = await plain();
    metrics.watch(() => {
      throw new Error("no");
    });
    metrics.watch(() => Promise.reject(new Error("no")));
    metrics.watch(() => [sessions(1)]);
    expect(await linesOf(metrics, /sessions/)).toEqual(["tessera_sessions 1"]);
  });
});

describe("a page", () => {
  async function counted(times: number): Promise<MetricsSnapshot> {
    const metrics = await prometheusMetrics();
    for (let i = 0; i < times; i++)
      metrics.exchange({ exchange: "AS", reason: "OK", etypes: { ticket: AES }, ms: 1 });
    metrics.watch(() => [
      { name: "tessera_store_up", labels: { store: "principals" }, value: times === 3 ? 0 : 1 },
      { name: "tessera_sessions", value: times },
      // One replay cache, which both of them share.
      { name: "tessera_replay_records", value: 10 },
    ]);
    return JSON.parse(JSON.stringify(await metrics.snapshot())) as MetricsSnapshot;
  }

  test("is OpenMetrics for those who take it: families without _total, values with it, and an end", async () => {
    const { contentType, text } = await metricsPage([await counted(2)], OPEN);
    expect(contentType).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(text).toContain("# TYPE tessera_exchanges counter\n");
    expect(text).toMatch(/^tessera_exchanges_total\{[^}]*\} 2$/m);
    expect(text).not.toMatch(/_total_total|NaN|Nan/);
    expect(text.endsWith("\n# EOF\n")).toBe(true);
  });

  test("is the plain text of Prometheus for everybody else", async () => {
    const { contentType, text } = await metricsPage([await counted(2)], "text/plain");
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain("# TYPE tessera_exchanges_total counter\n");
    expect(text).toMatch(/^tessera_exchanges_total\{[^}]*\} 2$/m);
    expect(text).not.toContain("# EOF");
  });

  test.each([OPEN, undefined])(
    "of several processes has their sums, and the worst of states (%s)",
    async (accept) => {
      const { text } = await metricsPage([await counted(2), await counted(3)], accept);
      expect(text).toMatch(/^tessera_exchanges_total\{[^}]*\} 5$/m);
      expect(text).toMatch(/^tessera_exchange_duration_seconds_count\{exchange="AS"\} 5$/m);
      expect(text).toMatch(/^tessera_store_up\{store="principals"\} 0$/m);
      expect(text).toMatch(/^tessera_sessions 5$/m);
      expect(text).toMatch(/^tessera_replay_records 10$/m);
      expect(text).toMatch(/^process_start_time_seconds \d+$/m);
    },
  );
});

test("of processes that have ended the counts stay, and not their states", async () => {
  const ended = await Promise.all(
    [2, 3].map(async (times) => {
      const metrics = await prometheusMetrics();
      for (let i = 0; i < times; i++)
        metrics.exchange({ exchange: "AS", reason: "OK", etypes: undefined, ms: 1 });
      metrics.watch(() => [{ name: "tessera_connections", value: 7 }]);
      return metrics.snapshot();
    }),
  );
  const past = await pastCounts([await pastCounts([ended[0]!]), ended[1]!]);
  const { text } = await metricsPage([JSON.parse(JSON.stringify(past)) as MetricsSnapshot], undefined);
  expect(text).toMatch(/^tessera_exchanges_total\{[^}]*\} 5$/m);
  expect(text).toMatch(/^tessera_exchange_duration_seconds_bucket\{[^}]*le="0.001"[^}]*\} 5$/m);
  expect(text).not.toContain("tessera_connections");
});

test("a registry of one's own shows one's own figures beside these", async () => {
  const register = new Registry();
  new Counter({ name: "orders_total", help: "Orders", registers: [register] }).inc(4);
  const metrics = await prometheusMetrics({ register });
  metrics.replayCheck("full");
  const text = await register.metrics();
  expect(text).toMatch(/^orders_total 4$/m);
  expect(text).toMatch(/^tessera_replay_checks_total\{outcome="full"\} 1$/m);
});
