/**
 * What a guard counts: calls as they are decided, sessions, its replay cache; and that counting ends no call.
 */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { guardedServer } from "../../../src/services/guard/guarded-server.js";
import type { Metrics } from "../../../src/services/metrics/metrics.js";
import { metricsPage, prometheusMetrics } from "../../../src/services/metrics/prometheus.js";
import { createTestRealm } from "../../../src/testing/test-realm.js";
import { openWorld, SERVICE } from "./world.js";

async function counting() {
  const metrics = await prometheusMetrics({ process: false });
  return {
    metrics,
    lines: async (pattern: RegExp) => {
      const { text } = await metricsPage([await metrics.snapshot()], undefined);
      return text.split("\n").filter((line) => !line.startsWith("#") && pattern.test(line));
    },
  };
}

describe("a guard with metrics", () => {
  test("counts calls by method and by how they were decided, and each of them once", async () => {
    const { metrics, lines } = await counting();
    await using world = await openWorld({ guard: { metrics, protection: "integrity" } });
    await world.client({ protection: "integrity" }).say("hello");
    await expect(world.client().say("hello")).rejects.toThrow("protection");
    await expect(world.client({ interceptors: [] }).say("hello")).rejects.toThrow();
    await world.client({ protection: "integrity" }).list("a b");
    expect(await lines(/guard_(calls|ended)|decision.*count/)).toEqual([
      'tessera_guard_calls_total{method="/chat.v1.Chat/Say",reason="OK"} 1',
      expect.stringMatching(/^tessera_guard_calls_total\{method="\/chat\.v1\.Chat\/Say",reason="K\w+"\} 1$/),
      expect.stringMatching(/^tessera_guard_calls_total\{method="\/chat\.v1\.Chat\/Say",reason="K\w+"\} 1$/),
      'tessera_guard_calls_total{method="/chat.v1.Chat/List",reason="OK"} 1',
      "tessera_guard_decision_duration_seconds_count 4",
    ]);
    expect(await lines(/replay_checks/)).toEqual([
      expect.stringMatching(/^tessera_replay_checks_total\{outcome="new"\} \d$/),
    ]);
  });

  test("counts a stream again that it ends with its ticket", async () => {
    const { metrics, lines } = await counting();
    const realm = await createTestRealm({ users: { alice: "secret" }, services: [SERVICE] });
    await using world = await openWorld({
      realm,
      guard: { metrics, timer: realm.timer },
      handlers: { list: (call) => void call.write({ text: "first" }) },
    });
    const ended = world.client().list("a", {}, () => realm.advance("11h"));
    await expect(ended).rejects.toThrow();
    expect(await lines(/guard_ended/)).toEqual([
      'tessera_guard_ended_total{method="/chat.v1.Chat/List",reason="KRB_AP_ERR_TKT_EXPIRED"} 1',
    ]);
  });

  test("shows its sessions, opened tickets and keys, and no principal", async () => {
    const { metrics, lines } = await counting();
    await using world = await openWorld({ guard: { metrics }, sessions: true });
    await world.client().say("hello");
    expect(await lines(/tessera_(sessions|cache_entries|key_versions)/)).toEqual([
      "tessera_sessions 1",
      'tessera_cache_entries{cache="tickets"} 1',
      'tessera_key_versions{key="service"} 1',
    ]);
    expect(await lines(/alice|TEST\.EXAMPLE|api\.example|127\.0\.0\.1/)).toEqual([]);
  });

  test("goes on where they throw", async () => {
    const broken = (): never => {
      throw new Error("no metrics today");
    };
    const metrics: Metrics = {
      exchange: broken,
      guardedCall: broken,
      replayCheck: broken,
      watch: () => () => {},
    };
    const warnings: string[] = [];
    const onWarning = ({ message }: Error) => void warnings.push(message);
    process.on("warning", onWarning);
    await using world = await openWorld({ guard: { metrics } });
    expect(await world.client().say("hello")).toBe("hello");
    expect(await world.client().say("again")).toBe("again");
    process.off("warning", onWarning);
    expect(warnings.filter((text) => text.includes("no metrics today"))).toHaveLength(1);
  });
});

test("a guarded server shows its connections, and what it refuses at the door", async () => {
  const { metrics, lines } = await counting();
  await using world = await openWorld();
  const server = guardedServer({ keytab: () => world.keys, metrics, limits: { connections: 1 } });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  await new Promise<void>((resolve, reject) =>
    client.waitForReady(Date.now() + 10_000, (error) => (error ? reject(error) : resolve())),
  );
  expect(await lines(/tessera_(connections|calls|refused)/)).toEqual([
    "tessera_connections 1",
    "tessera_calls 0",
    'tessera_refused_at_door_total{cause="connections"} 0',
    'tessera_refused_at_door_total{cause="calls"} 0',
    'tessera_refused_at_door_total{cause="bytes"} 0',
    'tessera_refused_at_door_total{cause="overload"} 0',
  ]);
  client.close();
  server.forceShutdown();
});
