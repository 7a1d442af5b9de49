/** Guarded calls without a KDC, over real sockets: client and service with one key file, and nothing else. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type TicketInterceptorOptions, ticketInterceptor } from "../../src/client/index.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { makeTicket, openTicket } from "../../src/protocol/ticket.js";
import { fromServiceError } from "../../src/rpc/status.js";
import { type Caller, callerOf } from "../../src/services/guard/caller.js";
import type { GuardOptions } from "../../src/services/guard/config.js";
import { guard } from "../../src/services/guard/interceptor.js";
import { type SharedKeyOptions, sharedKey } from "../../src/shared-key/shared-key.js";
import { expectRefusal } from "../protocol/refusal.js";
import { addChat, ChatClient } from "../services/guard/chat.js";

const NOW = Date.UTC(2026, 2, 1);
const HOUR = 3_600_000;
const ETYPES = [20];

const running: (() => void)[] = [];
afterEach(() => {
  for (const stop of running.splice(0).reverse()) stop();
});

function newPath(): string {
  const dir = mkdtempSync(join(tmpdir(), "tessera-shared-key-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, "orders.key");
}

/** A service that says who called. */
async function serve(options: GuardOptions): Promise<{ address: string; seen: Caller[] }> {
  const server = new grpc.Server({ interceptors: [guard(options)] });
  const seen: Caller[] = [];
  addChat(server, (_method, call) => seen.push(callerOf(call)));
  const bind = promisify(server.bindAsync.bind(server));
  const port = await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  running.push(() => server.forceShutdown());
  return { address: `localhost:${port}`, seen };
}

interface Wish extends TicketInterceptorOptions {
  readonly key?: SharedKeyOptions;
  readonly service?: string;
}

function clientOf(address: string, path: string, { key, service, ...options }: Wish = {}): ChatClient {
  const interceptors = [ticketInterceptor(sharedKey(path, key), service ?? "orders/localhost", options)];
  const client = new ChatClient(address, grpc.credentials.createInsecure(), { interceptors });
  running.push(() => client.close());
  return client;
}

const refusal = (call: Promise<unknown>) => call.then(() => undefined, fromServiceError);

describe("one line on each side", () => {
  test.each(["authenticate", "integrity", "privacy"] as const)(
    "every kind of call is guarded at %s",
    async (protection) => {
      const path = newPath();
      const { address, seen } = await serve({ keytab: sharedKey(path), protection });
      const client = clientOf(address, path, { protection, key: { client: "alice" } });
      for (let round = 0; round < 2; round++) {
        expect(await client.say("hello")).toBe("hello");
        expect(await client.list("a b c")).toEqual(["a", "b", "c"]);
        expect(await client.join(["a", "b"])).toBe("a b");
        expect(await client.talk(["a", "b"])).toEqual(["a", "b"]);
      }
      expect(seen).toHaveLength(8);
      for (const caller of seen)
        expect(caller).toMatchObject({
          principal: "alice@SHARED-KEY",
          service: "orders/localhost@SHARED-KEY",
          protection,
        });
    },
  );

  test("after one exchange a session carries the calls, as in a realm", async () => {
    const path = newPath();
    const lines: string[] = [];
    const spy: grpc.ServerInterceptor = (_method, call) =>
      new grpc.ServerInterceptingCall(call, {
        start: (next) =>
          next({
            onReceiveMetadata: (metadata, go) => {
              lines.push(Object.keys(metadata.getMap()).find((name) => name.startsWith("kerberos"))!);
              go(metadata);
            },
          }),
      });
    const server = new grpc.Server({ interceptors: [spy, guard({ keytab: sharedKey(path) })] });
    addChat(server, () => {});
    const bind = promisify(server.bindAsync.bind(server));
    const port = await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
    running.push(() => server.forceShutdown());
    const client = clientOf(`localhost:${port}`, path);
    for (let round = 0; round < 3; round++) await client.say("hello");
    expect(lines).toEqual([
      "kerberos-ap-req-bin",
      "kerberos-ap-req-bin",
      "kerberos-call-bin",
      "kerberos-call-bin",
    ]);
  });

  test("the client is the user who runs it, unless it says otherwise", async () => {
    const path = newPath();
    const { address, seen } = await serve({ keytab: sharedKey(path) });
    await clientOf(address, path).say("hello");
    expect(seen.map(({ principal }) => principal)).toEqual([`${userInfo().username}@SHARED-KEY`]);
  });

  test("rules hold for its names", async () => {
    const path = newPath();
    const allow = { "chat.v1.Chat": ["alice@SHARED-KEY"] };
    const { address, seen } = await serve({ keytab: sharedKey(path), allow });
    await clientOf(address, path, { key: { client: "alice" } }).say("hello");
    const failure = await refusal(clientOf(address, path, { key: { client: "bob" } }).say("hello"));
    expect(failure).toMatchObject({ reason: "KDC_ERR_POLICY", details: { client: "bob@SHARED-KEY" } });
    expect(seen).toHaveLength(1);
  });
});

describe("refused:", () => {
  test("another key file: the text says that both sides need the same one", async () => {
    const { address, seen } = await serve({ keytab: sharedKey(newPath()) });
    const failure = await refusal(clientOf(address, newPath()).say("hello"));
    expect(failure).toMatchObject({
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      message: "the ticket can't be opened with this server's key: client and service need the same key file",
      details: { part: "ticket" },
    });
    expect(seen).toEqual([]);
  });

  test("a ticket for another service than the one that the guard was told to be", async () => {
    const path = newPath();
    const { address, seen } = await serve({ keytab: sharedKey(path, { service: "orders/localhost" }) });
    const failure = await refusal(clientOf(address, path, { service: "billing/localhost" }).say("hello"));
    expect(failure).toMatchObject({
      reason: "KRB_AP_ERR_NOT_US",
      details: { server: "orders/localhost@SHARED-KEY", ticket_server: "billing/localhost@SHARED-KEY" },
    });
    expect(seen).toEqual([]);
    await clientOf(address, path).say("hello");
    expect(seen).toHaveLength(1);
  });

  test.each([
    ["orders.key", "orders.key@SHARED-KEY"],
    ["orders@home.key", "any-service@SHARED-KEY"],
    ["my orders.key", "any-service@SHARED-KEY"],
  ])("a ticket of a realm: the service is named by its key file, %s, where a name can be", (file, name) => {
    const path = join(dirname(newPath()), file);
    const keys = sharedKey(path).serviceKeys();
    const server = parsePrincipal("orders/localhost@TEST.EXAMPLE", "service");
    const { key } = keys.keys[0]!;
    const client = parsePrincipal("alice@TEST.EXAMPLE", "client");
    const times = { authtime: NOW, starttime: NOW, endtime: NOW + HOUR, renewTill: undefined };
    const said = { sessionKey: key, flags: [], addresses: [], authorizationData: [] };
    const ticket = makeTicket({ client, server, ...times, ...said }, keys.keys[0]!);
    expectRefusal(() => openTicket(ticket, keys, ETYPES), "KRB_AP_ERR_NOT_US", {
      server: name,
      ticket_server: server,
    });
  });

  test("a service's `service`, given to the guard instead, is as good", async () => {
    const path = newPath();
    const service = "orders/localhost@SHARED-KEY";
    const { address } = await serve({ keytab: sharedKey(path), service });
    await clientOf(address, path).say("hello");
    const failure = await refusal(clientOf(address, path, { service: "billing/localhost" }).say("hello"));
    expect(failure).toMatchObject({ reason: "KRB_AP_ERR_NOT_US" });
  });

  test("a call on its way through another host, though the key opens its ticket", async () => {
    const path = newPath();
    const { address, seen } = await serve({ keytab: sharedKey(path) });
    const call = (authority: string) => {
      const interceptors = [ticketInterceptor(sharedKey(path), "orders/api.example.test")];
      const options = { interceptors, "grpc.default_authority": authority };
      const client = new ChatClient(address, grpc.credentials.createInsecure(), options);
      running.push(() => client.close());
      return client.say("hello");
    };
    expect(await refusal(call("evil.example.test"))).toMatchObject({
      reason: "KRB_AP_ERR_MODIFIED",
      // The service's names are those of the service that the client asked for.
      details: { authority: "evil.example.test", authorities: "api.example.test localhost 127.0.0.1 ::1" },
    });
    expect(seen).toEqual([]);
    expect(await call("API.example.test:443")).toBe("hello");
  });

  test("a ticket after its end", async () => {
    const path = newPath();
    const { address } = await serve({ keytab: sharedKey(path), clock: () => NOW + 10 * HOUR + 300_001 });
    const failure = await refusal(clientOf(address, path, { key: { clock: () => NOW } }).say("hello"));
    expect(failure).toMatchObject({ reason: "KRB_AP_ERR_TKT_EXPIRED" });
  });
});

describe("tickets", () => {
  const proofOf = async (path: string, options: SharedKeyOptions = {}, service = "orders/localhost") =>
    (await sharedKey(path, options).serviceProof(service)).credentials;

  test("last ten hours, under the shared key, and name client and service", async () => {
    const path = newPath();
    const { ticket, ...credentials } = await proofOf(path, { client: "alice/admin", clock: () => NOW });
    expect(credentials).toMatchObject({
      client: "alice/admin@SHARED-KEY",
      server: "orders/localhost@SHARED-KEY",
      starttime: NOW,
      endtime: NOW + 10 * HOUR,
      renewTill: undefined,
    });
    const opened = openTicket(ticket, sharedKey(path).serviceKeys(), ETYPES);
    expect(opened).toMatchObject({ client: credentials.client, server: credentials.server, flags: [] });
    expect(opened.sessionKey.equals(credentials.key)).toBe(true);
    expect(sharedKey(path).serviceKeys().keys).toMatchObject([{ kvno: 1 }]);
  });

  test("are used again until shortly before their end, and made anew then", async () => {
    let now = NOW;
    const key = sharedKey(newPath(), { clock: () => now });
    const first = (await key.serviceProof("orders/localhost")).credentials;
    expect((await key.serviceProof("orders/localhost@SHARED-KEY")).credentials).toBe(first);
    expect((await key.serviceProof("billing/localhost")).credentials.server).toMatch(/^billing/);
    now = NOW + 10 * HOUR - 600_001;
    expect((await key.serviceProof("orders/localhost")).credentials).toBe(first);
    now += 1;
    const second = (await key.serviceProof("orders/localhost")).credentials;
    expect(second.endtime).toBe(now + 10 * HOUR);
    expect(second.key.equals(first.key)).toBe(false);
  });

  test("of a clock that was set back are made anew: they would not be valid yet", async () => {
    let now = NOW;
    const key = sharedKey(newPath(), { clock: () => now });
    await key.serviceProof("orders/localhost");
    now = NOW - HOUR;
    expect((await key.serviceProof("orders/localhost")).credentials.starttime).toBe(now);
  });

  test("that a service can't use are forgotten, and no others", async () => {
    const key = sharedKey(newPath());
    const first = (await key.serviceProof("orders/localhost")).credentials;
    await key.forgetTicket(first);
    const second = (await key.serviceProof("orders/localhost")).credentials;
    expect(second).not.toBe(first);
    await key.forgetTicket(first);
    expect((await key.serviceProof("orders/localhost")).credentials).toBe(second);
  });

  test("are not made for a name that is no principal, or that is a realm's", async () => {
    const path = newPath();
    await expect(proofOf(path, {}, "orders/../x")).rejects.toMatchObject({ reason: "KRB_ERR_GENERIC" });
    await expect(proofOf(path, {}, "orders/x@EXAMPLE.TEST")).rejects.toMatchObject({
      name: "SharedKeyError",
      message: "service: a shared key has no realm but SHARED-KEY, got orders/x@EXAMPLE.TEST",
    });
  });
});

describe("what it is told", () => {
  test("a path is needed", () => {
    for (const path of ["", undefined, 7])
      expect(() => sharedKey(path as string)).toThrow(
        new TypeError("sharedKey: expected the path of its file"),
      );
  });

  test("a mistyped option is refused before a file is made", () => {
    const path = newPath();
    expect(() => sharedKey(path, { sevice: "x" } as never)).toThrow(
      new TypeError('sharedKey: no option "sevice"; did you mean service?'),
    );
    expect(() => sharedKey(path, { client: "a b" })).toThrow(
      expect.objectContaining({ reason: "KRB_ERR_GENERIC", details: { field: "client" } }),
    );
    expect(() => sharedKey(path, { service: "orders@EXAMPLE.TEST" })).toThrow(
      expect.objectContaining({ name: "SharedKeyError" }),
    );
    expect(() => rmSync(path)).toThrow(/ENOENT/);
  });

  test("the service that a guard asks for must be the one it is", () => {
    const key = sharedKey(newPath(), { service: "orders/localhost" });
    expect(key.serviceKeys(parsePrincipal("orders/localhost@SHARED-KEY", "x")).ofWholeRealm).toBe(false);
    for (const other of ["billing/localhost@SHARED-KEY", "orders/localhost@EXAMPLE.TEST"])
      expect(() => key.serviceKeys(parsePrincipal(other, "x"))).toThrow(
        expect.objectContaining({ name: "SharedKeyError", message: expect.stringContaining(other) }),
      );
  });

  test("nothing of it prints the key", async () => {
    const key = sharedKey(newPath());
    const bytes = key.serviceKeys().keys[0]!.key.exportBytes();
    const { inspect } = await import("node:util");
    const shown = inspect([key, key.serviceKeys(), await key.serviceProof("a/b")], { depth: 9 });
    expect(shown).toContain("[redacted]");
    expect(shown).not.toContain(Buffer.from(bytes).toString("base64"));
    expect(JSON.stringify([key, key.serviceKeys()])).not.toContain(`${bytes[0]},${bytes[1]}`);
  });
});
