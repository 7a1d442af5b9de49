/**
 * A guarded server behind a real proxy: which `:authority` reaches it, and that the guard does not mind, for
 * a proof is bound to the host by which the client called, and the service knows its own names. The table in
 * docs/guard.md, "The authority", has one row for each.
 */
import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROTECTIONS } from "../../src/protocol/call-binding.js";
import { createTestRealm, type TestRealm } from "../../src/testing/test-realm.js";
import type { ChatHandlers } from "../services/guard/chat.js";
import { openWorld, SERVICE, type World } from "../services/guard/world.js";
import {
  ENVOY,
  type EnvoyConfig,
  NGINX,
  type RunningProxy,
  startEnvoy,
  startNginx,
} from "../support/proxies.js";

/** What the client calls the service: a name with capitals and a port. */
const AUTHORITY = "API.example.test:8443";
/** A name that the service does not go by. */
const FOREIGN = "shop.example.test:8443";
const unchanged = () => AUTHORITY;

/** A line of the configuration, what the server receives, and its name in docs/guard.md if not the line. */
interface Row {
  readonly line: string;
  readonly expected: (upstream: string) => string;
  readonly named?: string;
}

const NGINX_ROWS: readonly Row[] = [
  { line: "", expected: (upstream) => upstream, named: "`grpc_pass` alone" },
  { line: "grpc_set_header Host $host;", expected: () => "api.example.test" },
  { line: "grpc_set_header Host $http_host;", expected: unchanged },
  // As ingress-nginx writes it for a backend of protocol GRPC, and with its annotation `upstream-vhost`.
  {
    line: "set $best_http_host $http_host; grpc_set_header Host $best_http_host;",
    expected: unchanged,
    named: "ingress-nginx",
  },
  {
    line: 'grpc_set_header Host "elsewhere.test";',
    expected: () => "elsewhere.test",
    named: "`upstream-vhost`",
  },
];

/** With the name of the setting as docs/guard.md has it. */
const ENVOY_ROWS: readonly [name: string, config: EnvoyConfig, received: string][] = [
  ["", {}, AUTHORITY],
  ["host_rewrite_literal", { route: { host_rewrite_literal: "elsewhere.test" } }, "elsewhere.test"],
  ["auto_host_rewrite", { route: { auto_host_rewrite: true } }, "localhost"],
  ["strip_any_host_port", { manager: { strip_any_host_port: true } }, "API.example.test"],
];

const page = readFileSync(new URL("../../docs/guard.md", import.meta.url), "utf8");

/** One service of each shape: with a replay cache, and with challenges and sessions. */
const SHAPES = ["one shot", "sessions"] as const;
type Shape = (typeof SHAPES)[number];

let realm: TestRealm;
let worlds: Readonly<Record<Shape, World>>;
const received: string[] = [];
const note: grpc.ServerInterceptor = (_method, call) => {
  received.push(call.getHost());
  return new grpc.ServerInterceptingCall(call);
};
/** Whether the next Say is answered with UNAVAILABLE. */
let unavailable = false;
beforeAll(async () => {
  const handlers: Partial<ChatHandlers> = {
    say: (call, callback) => {
      if (unavailable) callback({ code: grpc.status.UNAVAILABLE, details: "not yet" });
      else callback(null, { text: call.request.text });
      unavailable = false;
    },
  };
  realm = await createTestRealm({ users: { alice: "secret" }, services: [SERVICE] });
  const open = (sessions: boolean) =>
    openWorld({ before: [note], handlers, realm, sessions, guard: { protection: "call" } });
  worlds = { "one shot": await open(false), sessions: await open(true) };
});
afterAll(async () => {
  for (const world of Object.values(worlds)) await world[Symbol.asyncDispose]();
  await realm.close();
});

/** A client that calls through a proxy by this name, once the proxy is there. */
async function through(
  world: World,
  proxy: RunningProxy,
  authority = AUTHORITY,
  protection: (typeof PROTECTIONS)[number] = "privacy",
) {
  const channelOptions = {
    "grpc.default_authority": authority,
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 50,
  };
  const client = world.client({ address: proxy.address, protection, channelOptions });
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 15_000, (error) =>
      error ? reject(new Error(`the proxy does not answer: ${proxy.said()}`)) : resolve(),
    );
  });
  return client;
}

/** What a call through it comes to: the answer, or the refusal's reason. */
async function outcome(world: World, proxy: RunningProxy, authority?: string): Promise<unknown> {
  const client = await through(world, proxy, authority);
  return client.say("hello").catch((error: grpc.ServiceError) => {
    expect(error.code).toBe(grpc.status.UNAUTHENTICATED);
    return world.log.at(-1)!.result;
  });
}

async function expectAllCalls(world: World, proxy: RunningProxy): Promise<void> {
  for (const protection of PROTECTIONS) {
    const client = await through(world, proxy, AUTHORITY, protection);
    expect(await client.say("hello")).toBe("hello");
    expect(await client.list("a b c")).toEqual(["a", "b", "c"]);
    expect(await client.list("")).toEqual([]);
    expect(await client.join(["a", "b"])).toBe("a b");
    expect(await client.talk(["a", "b"])).toEqual(["a", "b"]);
  }
}

/** A refusal by rule comes as a status alone; its proof must come with it. */
async function expectProvenRefusal(start: (upstream: string) => RunningProxy): Promise<void> {
  await using strict = await openWorld({ realm, sessions: true, guard: { protection: "privacy" } });
  await using proxy = start(strict.address);
  const client = await through(strict, proxy, AUTHORITY, "authenticate");
  for (let i = 0; i < 2; i++)
    await expect(client.say("hello")).rejects.toMatchObject({ code: grpc.status.PERMISSION_DENIED });
  // The first made the session all the same, and the second was refused under it.
  expect(strict.log.map(({ result }) => result)).toEqual([
    "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED",
    "KDC_ERR_POLICY",
    "KDC_ERR_POLICY",
  ]);
}

describe.skipIf(NGINX === undefined)(`behind nginx${NGINX ? "" : " (skipped: it is not installed)"}`, () => {
  const pass = (upstream: string, line: string) => startNginx(`${line} grpc_pass grpc://${upstream};`);

  describe.each(SHAPES)("%s", (shape) => {
    test.each(NGINX_ROWS)("with `$line`", async ({ line, expected, named }) => {
      const world = worlds[shape];
      await using proxy = pass(world.address, line);
      expect(await outcome(world, proxy)).toBe("hello");
      expect(received.at(-1)).toBe(expected(world.address));
      expect(page).toContain(named ?? `nginx, \`${line}\``);
    });

    test.each(NGINX_ROWS)("with `$line`, by a name that is not the service's", async ({ line }) => {
      const world = worlds[shape];
      await using proxy = pass(world.address, line);
      expect(await outcome(world, proxy, FOREIGN)).toBe("KRB_AP_ERR_MODIFIED");
    });

    test("all four kinds of call at every protection", async () => {
      await using proxy = pass(worlds[shape].address, "");
      await expectAllCalls(worlds[shape], proxy);
    });
  });

  test("by the proxy's own name, where the service is told it", async () => {
    const guard = { authorities: ["api.example.test", "shop.example.test"] };
    await using world = await openWorld({ realm, sessions: true, guard });
    await using proxy = pass(world.address, "");
    expect(await outcome(world, proxy, FOREIGN)).toBe("hello");
  });

  test("a refusal by rule is proven", async () => {
    await expectProvenRefusal((upstream) => pass(upstream, ""));
  });
});

describe.skipIf(ENVOY === undefined)(`behind Envoy${ENVOY ? "" : " (skipped: it is not installed)"}`, () => {
  const start = (upstream: string, config?: EnvoyConfig) =>
    startEnvoy(upstream.replace("127.0.0.1", "localhost"), config);

  describe.each(SHAPES)("%s", (shape) => {
    test.each(ENVOY_ROWS)("with `%s`", async (name, config, expected) => {
      const world = worlds[shape];
      await using proxy = start(world.address, config);
      expect(await outcome(world, proxy)).toBe("hello");
      expect(received.at(-1)).toBe(expected);
      expect(page).toContain(name === "" ? "| Envoy |" : `\`${name}\``);
      expect(await outcome(world, proxy, FOREIGN)).toBe("KRB_AP_ERR_MODIFIED");
    });

    test("that repeats calls itself: its second attempt is a replay", async () => {
      const world = worlds[shape];
      const retry_policy = { retry_on: "unavailable", num_retries: 1 };
      await using proxy = start(world.address, { route: { retry_policy } });
      const client = await through(world, proxy);
      // From here on under the session, where there is one.
      expect(await client.say("hello")).toBe("hello");
      unavailable = true;
      await expect(client.say("again")).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
      expect(world.log.slice(-2).map(({ result }) => result)).toEqual(["OK", "KRB_AP_ERR_REPEAT"]);
    });

    test("all four kinds of call at every protection", async () => {
      await using proxy = start(worlds[shape].address);
      await expectAllCalls(worlds[shape], proxy);
    });
  });

  test("a refusal by rule is proven", async () => {
    await expectProvenRefusal((upstream) => start(upstream));
  });
});
