/**
 * What it costs a server to be seen from outside, for each exchange or call: counting it for Prometheus, and
 * looking whether somebody takes spans. Prints nanoseconds of the processor, the median of nine rounds and
 * the least. The targets: 2,000 ns for counting, 200 for a look.
 */

import { traceClientCall } from "../../dist/rpc/tracing.js";
import { prometheusMetrics } from "../../dist/services/metrics/prometheus.js";

const ROUNDS = 9;
const CALLS = 200_000;

const metrics = await prometheusMetrics();
const [DES, AES] = [3, 20];
const of = (etype) => ({ reply: etype, ticket: etype, session: etype });
const [aes, des] = [of(AES), of(DES)];
const method = "/orders.v1.OrderService/Place";

print("an exchange, AES", () => metrics.exchange({ exchange: "AS", reason: "OK", etypes: aes, ms: 0.12 }));
print("an exchange, DES", () => metrics.exchange({ exchange: "AS", reason: "OK", etypes: des, ms: 0.12 }));
print("a guarded call", () => metrics.guardedCall({ method, reason: "OK", wasLetIn: false, ms: 0.12 }));
print("an authenticator", () => metrics.replayCheck("new"));
print("no SDK for spans", () => traceClientCall(method));

function print(what, once) {
  const rounds = Array.from({ length: ROUNDS + 1 }, () => nanoseconds(once))
    .slice(1)
    .sort((a, b) => a - b);
  console.log(
    `${what.padEnd(20)} ${rounds[ROUNDS >> 1].toFixed(0).padStart(6)} ns, least ${rounds[0].toFixed(0)}`,
  );
}

function nanoseconds(once) {
  const before = process.cpuUsage();
  for (let i = 0; i < CALLS; i++) once();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / CALLS;
}
