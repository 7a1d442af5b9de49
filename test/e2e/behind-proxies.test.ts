/**
 * A guarded server behind a real proxy: which `:authority` reaches it, and what the guard says. The table in
 * docs/guard.md, "The authority", has one row for each.
 */
import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROTECTIONS } from "../../src/protocol/call-binding.js";
import type { ChatHandlers } from "../services/guard/chat.js";
import { openWorld, type World } from "../services/guard/world.js";
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

let world: World;
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
  world = await openWorld({ before: [note], handlers });
});
afterAll(() => world[Symbol.asyncDispose]());

/** A client that calls through a proxy by this name, once the proxy is there. */
async function through(
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
async function outcome(proxy: RunningProxy, authority?: string): Promise<unknown> {
  const client = await through(proxy, authority);
  return client.say("hello").catch((error: grpc.ServiceError) => {
    expect(error.code).toBe(grpc.status.UNAUTHENTICATED);
    return world.log.at(-1)!.result;
  });
}

async function expectAllCalls(proxy: RunningProxy): Promise<void> {
  for (const protection of PROTECTIONS) {
    const client = await through(proxy, AUTHORITY, protection);
    expect(await client.say("hello")).toBe("hello");
    expect(await client.list("a b c")).toEqual(["a", "b", "c"]);
    expect(await client.join(["a", "b"])).toBe("a b");
    expect(await client.talk(["a", "b"])).toEqual(["a", "b"]);
  }
}

describe.skipIf(NGINX === undefined)(`behind nginx${NGINX ? "" : " (skipped: it is not installed)"}`, () => {
  const location = (line: string) => `${line} grpc_pass grpc://${world.address};`;

  test.each(NGINX_ROWS)("with `$line`", async ({ line, expected, named }) => {
    await using proxy = startNginx(location(line));
    const said = await outcome(proxy);
    expect(received.at(-1)).toBe(expected(world.address));
    expect(said).toBe(expected === unchanged ? "hello" : "KRB_AP_ERR_MODIFIED");
    expect(page).toContain(named ?? `nginx, \`${line}\``);
  });

  test("$host works for a name in lower case without a port", async () => {
    await using proxy = startNginx(location("grpc_set_header Host $host;"));
    expect(await outcome(proxy, "api.example.test")).toBe("hello");
  });

  test("$http_host: all four kinds of call at every protection", async () => {
    await using proxy = startNginx(location("grpc_set_header Host $http_host;"));
    await expectAllCalls(proxy);
  });
});

describe.skipIf(ENVOY === undefined)(`behind Envoy${ENVOY ? "" : " (skipped: it is not installed)"}`, () => {
  const upstream = () => world.address.replace("127.0.0.1", "localhost");

  test.each(ENVOY_ROWS)("with `%s`", async (name, config, expected) => {
    await using proxy = startEnvoy(upstream(), config);
    const said = await outcome(proxy);
    expect(received.at(-1)).toBe(expected);
    expect(said).toBe(expected === AUTHORITY ? "hello" : "KRB_AP_ERR_MODIFIED");
    expect(page).toContain(name === "" ? "| Envoy |" : `\`${name}\``);
  });

  test("that repeats calls itself: its second attempt is a replay", async () => {
    const retry_policy = { retry_on: "unavailable", num_retries: 1 };
    await using proxy = startEnvoy(upstream(), { route: { retry_policy } });
    unavailable = true;
    await expect(outcome(proxy)).resolves.toBe("KRB_AP_ERR_REPEAT");
    expect(world.log.slice(-2).map(({ result }) => result)).toEqual(["OK", "KRB_AP_ERR_REPEAT"]);
  });

  test("all four kinds of call at every protection", async () => {
    await using proxy = startEnvoy(upstream());
    await expectAllCalls(proxy);
  });
});
