/** Which proxy grpc-js goes through, told as grpc-js itself decides it; and what is said when it fails. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { mapProxyName } from "@grpc/grpc-js/build/src/http_proxy.js";
import { parseUri } from "@grpc/grpc-js/build/src/uri-parser.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HealthClient } from "../../src/gen/grpc/health/v1/health_grpc.js";
import { httpProxyFor, type ProxyEnvironment } from "../../src/rpc/http-proxy.js";

const NAMES = ["grpc_proxy", "https_proxy", "http_proxy", "no_grpc_proxy", "no_proxy"];

beforeEach(() => {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  for (const name of NAMES) vi.stubEnv(name, undefined);
});
afterEach(() => void vi.unstubAllEnvs());

const PROXY = "http://user:secret@proxy.test:3128";
const rows: { env: ProxyEnvironment; setting?: string; remedy?: string }[] = [
  { env: {} },
  {
    env: { http_proxy: PROXY },
    setting: "http_proxy=http://proxy.test:3128",
    remedy: "set no_proxy=kdc.a.test",
  },
  { env: { https_proxy: PROXY, http_proxy: "http://b.test" }, setting: "https_proxy=http://proxy.test:3128" },
  { env: { grpc_proxy: "http://a.test", https_proxy: PROXY }, setting: "grpc_proxy=http://a.test" },
  { env: { HTTP_PROXY: PROXY, GRPC_PROXY: PROXY, ALL_PROXY: PROXY } },
  { env: { grpc_proxy: "", http_proxy: PROXY }, setting: "http_proxy=http://proxy.test:3128" },
  { env: { http_proxy: "https://proxy.test" } },
  { env: { http_proxy: "proxy.test:3128" } },
  { env: { http_proxy: "not a url" } },
  { env: { grpc_proxy: "socks5://proxy.test", http_proxy: PROXY } },
  { env: { http_proxy: PROXY, no_proxy: "kdc.a.test" } },
  { env: { http_proxy: PROXY, no_proxy: "b.test,.a.test" } },
  { env: { http_proxy: PROXY, no_proxy: "other.test" }, remedy: "add kdc.a.test to no_proxy" },
  { env: { http_proxy: PROXY, no_proxy: "other.test, kdc.a.test" }, remedy: "add kdc.a.test to no_proxy" },
  { env: { http_proxy: PROXY, NO_PROXY: "kdc.a.test" }, remedy: "set no_proxy=kdc.a.test" },
  {
    env: { http_proxy: PROXY, no_grpc_proxy: "x.test", no_proxy: "kdc.a.test" },
    remedy: "add kdc.a.test to no_grpc_proxy",
  },
  { env: { http_proxy: PROXY, no_grpc_proxy: "kdc.a.test", no_proxy: "x.test" } },
  { env: { http_proxy: PROXY, no_proxy: "192.0.2.0/24" } },
  { env: { http_proxy: PROXY, no_proxy: "192.0.3.0/24,x/y,1.2.3.4/33" } },
  { env: { http_proxy: PROXY, no_proxy: "*" } },
  { env: { http_proxy: PROXY, no_proxy: "x.test," } },
];
const ADDRESSES = [
  "kdc.a.test:8801",
  "dns:///kdc.a.test:8801",
  "dns:kdc.a.test",
  "192.0.2.7:8801",
  "[2001:db8::7]:8801",
  "unix:/run/kdc.sock",
];

describe.each(rows)("with $env", ({ env, setting, remedy }) => {
  test.each(ADDRESSES)("%s is reached as grpc-js reaches it", (address) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const uri = parseUri(address)!;
    const known = uri.scheme === "dns" || uri.scheme === "unix";
    const target = known ? uri : { scheme: "dns", path: address };
    const proxied = "grpc.http_connect_target" in mapProxyName(target, {}).extraOptions;
    expect(httpProxyFor(address) !== undefined).toBe(proxied);
  });

  test("the variable and the way around it are named, and no password", () => {
    const proxy = httpProxyFor("kdc.a.test:8801", env);
    if (setting !== undefined) expect(proxy?.setting).toBe(setting);
    if (remedy !== undefined) expect(proxy?.remedy).toBe(remedy);
    expect(JSON.stringify(proxy ?? {})).not.toContain("secret");
  });
});

describe("a call through a proxy", () => {
  const check = async (address: string) => {
    using client = new HealthClient(address, grpc.credentials.createInsecure(), { timeoutMs: 5000 });
    return await client.check({ service: "" }).catch((error: unknown) => error);
  };

  test("that refuses it says which variable leads there, and what to set", async () => {
    const refusing = createServer();
    refusing.on("connect", (_, socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"));
    await new Promise<void>((resolve) => void refusing.listen(0, "127.0.0.1", resolve));
    const { port } = refusing.address() as AddressInfo;
    vi.stubEnv("http_proxy", `http://user:secret@127.0.0.1:${port}`);
    const error = await check("kdc.example.test:8801");
    refusing.close();
    expect(error).toMatchObject({
      name: "RpcError",
      code: grpc.status.UNAVAILABLE,
      message: `no connection through the proxy of http_proxy=http://127.0.0.1:${port}`,
      hint: "to go without it: set no_proxy=kdc.example.test",
    });
  });

  test("that is not there, and one that has no address, say the same", async () => {
    vi.stubEnv("https_proxy", "http://127.0.0.1:1");
    const refused = "no connection through the proxy of https_proxy=http://127.0.0.1:1";
    expect(await check("kdc.example.test:8801")).toMatchObject({ message: refused });
    vi.stubEnv("https_proxy", "http://proxy.invalid");
    const nowhere = "no connection through the proxy of https_proxy=http://proxy.invalid";
    expect(await check("kdc.example.test:8801")).toMatchObject({ message: nowhere });
  });

  test("over somebody else's channel says the same", async () => {
    vi.stubEnv("http_proxy", "http://127.0.0.1:1");
    using owner = new HealthClient("kdc.example.test:8801", grpc.credentials.createInsecure());
    using client = new HealthClient(owner.channel, { timeoutMs: 5000 });
    const error = await client.check({ service: "" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: "no connection through the proxy of http_proxy=http://127.0.0.1:1",
    });
  });

  test("to this machine is none", async () => {
    vi.stubEnv("http_proxy", "http://127.0.0.1:1");
    expect(await check("127.0.0.1:2")).toMatchObject({
      message: expect.stringMatching(
        /^No connection established\. Last error: .*ECONNREFUSED 127\.0\.0\.1:2/,
      ),
    });
  });
});
