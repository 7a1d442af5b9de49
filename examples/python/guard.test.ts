/**
 * The Python guard client against a guarded orders service; skipped, by name, where a module is missing.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PROTECTIONS } from "../../src/protocol/call-binding.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { callerOf } from "../../src/services/guard/caller.js";
import type { GuardOptions } from "../../src/services/guard/config.js";
import { guard } from "../../src/services/guard/interceptor.js";
import { MemoryReplayCache } from "../../src/store/replay/memory-replay-cache.js";
import { createTestRealm, type TestRealm } from "../../src/testing/index.js";
import { run } from "../../test/support/buf.js";
import { PYTHON, type PythonRun, runPython } from "../../test/support/python.js";
import { HAS_OPENSSL, makeTls } from "../../test/support/wire-tls.js";
import { orders } from "../orders/definition.js";

const PASSWORD = "a horse of another colour";
const SERVICE = "orders/localhost";
const HOUR = 3_600_000;
const { lacks, path } = PYTHON;
const why = lacks === "" ? "" : ` (skipped: ${path} lacks ${lacks})`;

describe.skipIf(lacks !== "")(`a guard client in Python${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "python-guard-"));
  const descriptors = join(folder, "orders.binpb");
  const servers: grpc.Server[] = [];
  const log: LogRecord[] = [];
  let realm: TestRealm;
  /** With a replay cache; and without one, so that it challenges. */
  let interceptors: grpc.ServerInterceptor[];
  let challenging: grpc.ServerInterceptor[];
  /** Attempts of PlaceOrder that reached a handler, and how many of them are to fail. */
  let attempts: number;
  let failing: number;

  beforeAll(async () => {
    // An hour behind the client's clock.
    const now = Date.now() - HOUR;
    realm = await createTestRealm({ users: { alice: PASSWORD }, services: [SERVICE], now });
    interceptors = [await guardOf(realm)];
    challenging = [await guardOf(realm, { replayCache: undefined })];
    expect(await run("node_modules/.bin/buf", ["build", "examples/orders", "-o", descriptors])).toMatchObject(
      {
        exit: 0,
      },
    );
  });
  beforeEach(() => {
    [attempts, failing] = [0, 0];
    log.length = 0;
  });
  afterAll(async () => {
    for (const server of servers) server.forceShutdown();
    await realm.close();
    rmSync(folder, { recursive: true });
  });

  async function guardOf(realm: TestRealm, options: Partial<GuardOptions> = {}) {
    const keys = await realm.keys(SERVICE);
    const replayCache = new MemoryReplayCache({ skew: 300_000, startedAt: realm.now, restart: "fresh" });
    const told = { clock: () => realm.now, log: (line: LogRecord) => void log.push(line) };
    return guard({ keytab: () => keys, replayCache, protection: "call", ...told, ...options });
  }

  /** A server of the orders service; its address. */
  async function serve(
    options: grpc.ServerOptions = { interceptors },
    credentials = grpc.ServerCredentials.createInsecure(),
  ): Promise<string> {
    const server = new grpc.Server(options);
    servers.push(server);
    const owner = (call: Parameters<typeof callerOf>[0]) =>
      options.interceptors ? callerOf(call).principal : "nobody";
    type Item = { item: string };
    server.addService(orders.OrderService.service, {
      placeOrder(call: grpc.ServerUnaryCall<Item, object>, callback: grpc.sendUnaryData<object>) {
        attempts += 1;
        if (attempts <= failing) callback({ code: grpc.status.UNAVAILABLE, details: "not yet" });
        else callback(null, { order: { id: 1, item: call.request.item, owner: owner(call) } });
      },
      listOrders(call: grpc.ServerWritableStream<object, object>) {
        for (const item of ["lamp", "desk"]) call.write({ order: { id: 1, item, owner: owner(call) } });
        call.end();
      },
      placeOrders(call: grpc.ServerReadableStream<Item, object>, callback: grpc.sendUnaryData<object>) {
        let placed = 0;
        call.on("data", () => {
          placed += 1;
        });
        call.on("end", () => callback(null, { placed }));
      },
      cancelOrder: (_call: unknown, callback: grpc.sendUnaryData<object>) => callback(null, {}),
    });
    return new Promise((resolve, reject) => {
      server.bindAsync("localhost:0", credentials, (error, port) =>
        error ? reject(error) : resolve(`localhost:${port}`),
      );
    });
  }

  /** Runs orders.py as alice. */
  function order(address: string, words: string, at = realm): Promise<PythonRun> {
    const { as, tgs } = at.kdc;
    const where = ["--as", as, "--tgs", tgs, "--address", address, "--descriptors", descriptors];
    const args = ["alice@TEST.EXAMPLE", ...words.split(" "), ...where];
    return runPython(fileURLToPath(new URL("orders.py", import.meta.url)), args, `${PASSWORD}\n`);
  }

  async function answers(address: string, words: string, at?: TestRealm): Promise<unknown[]> {
    const { code, out, err } = await order(address, words, at);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    return out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  const shapes = PROTECTIONS.flatMap((protection) => [
    { protection, shape: "with a replay cache", results: ["OK"] },
    { protection, shape: "that challenges", results: ["KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", "OK"] },
  ]);
  test.each(shapes)("calls a service $shape at $protection, from a host an hour wrong", async (row) => {
    const { protection, shape, results } = row;
    const address = await serve({ interceptors: shape === "that challenges" ? challenging : interceptors });
    const level = `--protection ${protection}`;
    const owner = "alice@TEST.EXAMPLE";
    expect(await answers(address, `place lamp ${level}`)).toEqual([
      { order: { id: 1, item: "lamp", owner } },
    ]);
    expect(await answers(address, `place lamp desk chair ${level}`)).toEqual([{ placed: 3 }]);
    expect(await answers(address, `list ${level}`)).toEqual([
      { order: { id: 1, item: "lamp", owner } },
      { order: { id: 1, item: "desk", owner } },
    ]);
    expect(log.map(({ result }) => result)).toEqual([...results, ...results, ...results]);
  });

  test("a call that is challenged again goes no further", async () => {
    const elsewhere = await guardOf(realm, { replayCache: undefined });
    let calls = 0;
    // As behind a balancer of single calls: each process knows its own challenges alone.
    const balancer: grpc.ServerInterceptor = (method, call) =>
      (calls++ % 2 === 0 ? challenging[0]! : elsewhere)(method, call);
    expect(await order(await serve({ interceptors: [balancer] }), "place lamp")).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(
        /^KDC_ERR_MORE_PREAUTH_DATA_REQUIRED: .*several instances answer to one name/,
      ),
    });
    expect(attempts).toBe(0);
  });

  test("requests are kept for a call that is made once more, up to a mebibyte", async () => {
    const script = `
import sys
sys.path.insert(0, sys.argv[1])
import guard
few = guard._Requests(iter([b"a", b"b"]))
first, second = iter(few), iter(few)
print(next(first), list(second), list(first), few.are_kept)
many = guard._Requests(iter([b"a", b"b" * guard.MAX_KEPT, b"c"]))
print([message[:1] for message in many], many.are_kept)
`;
    const here = fileURLToPath(new URL(".", import.meta.url));
    expect(await runPython("-c", [script, here], "")).toMatchObject({
      code: 0,
      out: "b'a' [b'a', b'b'] [b'b'] True\n[b'a', b'b', b'c'] False\n",
    });
  });

  test("calls under DES in a textbook realm, where it accepts DES", async () => {
    const users = { alice: PASSWORD };
    await using lessons = await createTestRealm({ profile: "textbook", users, services: [SERVICE] });
    const address = await serve({ interceptors: [await guardOf(lessons, { profile: "textbook" })] });
    for (const protection of PROTECTIONS) {
      const words = `list --etypes 20,19,3 --protection ${protection}`;
      expect(await answers(address, words, lessons)).toHaveLength(2);
      expect(await answers(address, words.replace("list", "place lamp desk"), lessons)).toEqual([
        { placed: 2 },
      ]);
    }
  });

  test("a retried attempt carries a proof of its own", async () => {
    failing = 2;
    expect(await answers(await serve(), "place lamp --protection privacy")).toHaveLength(1);
    expect(attempts).toBe(3);
    expect(log.map(({ result }) => result)).not.toContain("KRB_AP_ERR_REPEAT");
  });

  test.skipIf(!HAS_OPENSSL)("over TLS", async () => {
    const { server, ca } = makeTls();
    const file = join(folder, "ca.pem");
    writeFileSync(file, ca);
    expect(await answers(await serve({ interceptors }, server), `place lamp --ca ${file}`)).toHaveLength(1);
  });

  test("by another authority than its address, if it is one of the service's names", async () => {
    const named = await guardOf(realm, { authorities: ["api.example.test"] });
    const words = "place lamp --authority API.example.test:443";
    expect(await answers(await serve({ interceptors: [named] }), words)).toHaveLength(1);
    expect(log.at(-1)).toMatchObject({ result: "OK" });
    expect(await order(await serve(), words)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^KRB_AP_ERR_MODIFIED: /),
    });
  });

  test("learns by name what was refused", async () => {
    expect(await order(await serve(), "list --service v/localhost")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^KRB_AP_ERR_NOT_US: /),
    });
  });

  test.each(["place lamp", "list", "place lamp desk"])(
    "believes no service that does not prove itself: %s",
    async (words) => {
      expect(await order(await serve({}), words)).toMatchObject({
        code: 1,
        out: "",
        err: expect.stringMatching(/could not prove itself/),
      });
    },
  );

  test("believes no altered proof", async () => {
    const altering: grpc.ServerInterceptor = (_method, call) =>
      new grpc.ServerInterceptingCall(call, {
        sendMetadata(metadata, next) {
          const [reply] = metadata.get("kerberos-ap-rep-bin") as Buffer[];
          const altered = Buffer.from(reply!);
          altered[altered.length - 1]! ^= 1;
          metadata.set("kerberos-ap-rep-bin", altered);
          next(metadata);
        },
      });
    const between = { interceptors: [altering, ...interceptors] };
    expect(await order(await serve(between), "place lamp")).toMatchObject({
      code: 1,
      out: "",
      err: expect.stringMatching(/could not prove itself/),
    });
  });
});
