/** What a stranger can have of a server before it says anything, over real sockets and a turned clock. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import * as http2 from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HealthClient } from "../../../src/gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../../src/gen/grpc/health/v1/health_pb.js";
import type { Connection } from "../../../src/rpc/entrance/connection.js";
import { Entrance } from "../../../src/rpc/entrance/entrance.js";
import { OPENING_MS, type ServerLimits } from "../../../src/rpc/entrance/limits.js";
import type { ReadCall } from "../../../src/rpc/entrance/read-calls.js";
import { Turns } from "../../../src/rpc/entrance/turns.js";
import { makeServer } from "../../../src/rpc/server-options.js";
import { fromServiceError } from "../../../src/rpc/status.js";
import { serveHealth } from "../../../src/services/own-server.js";
import { HAS_OPENSSL, makeTls } from "../../support/wire-tls.js";
import { connectRaw } from "../raw-client.js";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const WATCH = "/grpc.health.v1.Health/Watch";

const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0).reverse()) end();
});

async function serve(limits: ServerLimits = {}, credentials?: grpc.ServerCredentials, at = "127.0.0.1:0") {
  const told: string[] = [];
  const entrance = new Entrance(limits, (text) => told.push(text));
  const server = makeServer({ entrance });
  serveHealth(server);
  const listen = promisify(server.bindAsync.bind(server));
  const port = await listen(at, credentials ?? grpc.ServerCredentials.createInsecure());
  ending.push(() => server.forceShutdown());
  return { entrance, server, port, told };
}

/** A socket that is connected and counted. */
async function dial(entrance: Entrance, port: number, from = "127.0.0.1"): Promise<Socket> {
  const before = entrance.connections;
  const socket = connect({ port, host: "127.0.0.1", localAddress: from });
  socket.on("error", () => {});
  socket.resume();
  ending.push(() => socket.destroy());
  await until(() => entrance.connections > before);
  return socket;
}

/** Waits until something has happened. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(setImmediate);
}

/** Resolves when a socket is closed, by a reset too. */
function closing(socket: Socket): Promise<void> {
  socket.on("error", () => {});
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

/** Gives the sockets of this process the time to tell what has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
}

async function health(address: string, credentials = grpc.credentials.createInsecure()) {
  const client = new HealthClient(address, credentials, {
    channelOptions: { "grpc.use_local_subchannel_pool": 1 },
  });
  try {
    return (await client.check({})).status;
  } finally {
    client.close();
  }
}

describe("a socket has six seconds", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  const halves: [string, Buffer[]][] = [
    ["nothing", []],
    ["half a preface", [PREFACE.subarray(0, 12)]],
    ["a preface and no settings", [PREFACE]],
    ["half a frame of settings", [PREFACE, SETTINGS.subarray(0, 5)]],
  ];
  test.each(halves)("that says %s", async (_, parts) => {
    const { entrance, port } = await serve();
    const socket = await dial(entrance, port);
    const closed = closing(socket);
    for (const part of parts) socket.write(part);
    await settle();
    vi.advanceTimersByTime(OPENING_MS - 1);
    await settle();
    expect(entrance.connections).toBe(1);
    vi.advanceTimersByTime(1);
    await closed;
    expect(entrance.connections).toBe(0);
  });

  test("and byte by byte no more than that", async () => {
    const { entrance, port } = await serve();
    const socket = await dial(entrance, port);
    const closed = closing(socket);
    for (const byte of PREFACE.subarray(0, 6)) {
      socket.write(Buffer.of(byte));
      await settle();
      vi.advanceTimersByTime(OPENING_MS / 6);
    }
    await closed;
    expect(entrance.connections).toBe(0);
  });

  test("hundreds of them, of whom none gets a session of HTTP/2", async () => {
    let sessions = 0;
    const { entrance, port } = await serve();
    const all = [];
    for (let i = 0; i < 200; i++) all.push(await dial(entrance, port));
    for (const socket of all) socket.once("data", () => sessions++);
    await settle();
    // The server's first frame comes with its session.
    expect([entrance.connections, sessions]).toEqual([200, 0]);
    const closed = all.map((socket) => closing(socket));
    vi.advanceTimersByTime(OPENING_MS);
    await Promise.all(closed);
    expect(entrance.connections).toBe(0);
  });

  test("one that has sent its settings stays", async () => {
    const { entrance, port } = await serve();
    const socket = await dial(entrance, port);
    socket.write(Buffer.concat([PREFACE, SETTINGS]));
    await once(socket, "data");
    await settle();
    vi.advanceTimersByTime(OPENING_MS);
    await settle();
    expect([entrance.connections, socket.closed]).toEqual([1, false]);
  });

  test.skipIf(!HAS_OPENSSL)("for its TLS, and its settings behind it", async () => {
    const { entrance, port } = await serve({}, makeTls().server);
    const silent = await dial(entrance, port);
    const half = await dial(entrance, port);
    half.write(Buffer.from([0x16, 3, 1, 1, 0, 1]));
    const shaken = connectTls({ port, host: "127.0.0.1", ALPNProtocols: ["h2"], rejectUnauthorized: false });
    shaken.on("error", () => {});
    ending.push(() => shaken.destroy());
    await once(shaken, "secureConnect");
    expect([shaken.alpnProtocol, entrance.connections]).toEqual(["h2", 3]);
    const closed = [silent, half, shaken].map((socket) => closing(socket));
    vi.advanceTimersByTime(OPENING_MS);
    await Promise.all(closed);
    expect(entrance.connections).toBe(0);
  });
});

describe("connections", () => {
  test("beyond a peer's share take the place of those that do nothing, and others lose nothing", async () => {
    const { entrance, port } = await serve({ connections: 8, connectionsPerPeer: 2 });
    const other = await dial(entrance, port, "127.0.0.2");
    const first = await dial(entrance, port);
    await dial(entrance, port);
    const closed = closing(first);
    const third = connect(port, "127.0.0.1");
    ending.push(() => third.destroy());
    await closed;
    expect([entrance.connections, other.closed]).toEqual([3, false]);
  });

  test("beyond it are reset while all have calls, and that is told once", async () => {
    const { entrance, port, told } = await serve({ connectionsPerPeer: 2 });
    const busy = [connectRaw(port), connectRaw(port)];
    ending.push(() => busy.forEach((raw) => void raw[Symbol.dispose]()));
    for (const raw of busy) raw.call(WATCH);
    await until(() => entrance.calls === 2);
    for (let i = 0; i < 3; i++) {
      const socket = connect(port, "127.0.0.1");
      const [error] = await once(socket, "error");
      expect(error).toMatchObject({ code: "ECONNRESET" });
    }
    expect(entrance.connections).toBe(2);
    expect(told).toEqual([
      "too much at once: connections refused: 1, calls refused: 0, the last from 127.0.0.1",
    ]);
  });

  test("of a trusted proxy have no share, and over a Unix socket none either", async () => {
    const { entrance, port } = await serve({ connectionsPerPeer: 1, proxies: ["::ffff:127.0.0.9"] });
    for (let i = 0; i < 5; i++) await dial(entrance, port, "127.0.0.9");
    expect(entrance.connections).toBe(5);
    const dir = mkdtempSync(join(tmpdir(), "entrance-"));
    ending.push(() => rmSync(dir, { recursive: true }));
    const path = join(dir, "s");
    const unix = await serve({ connectionsPerPeer: 1 }, undefined, `unix:${path}`);
    for (let i = 0; i < 5; i++) {
      const socket = connect(path);
      ending.push(() => socket.destroy());
      await once(socket, "connect");
    }
    await until(() => unix.entrance.connections === 5);
    expect(await health(`unix:${path}`)).toBe(ServingStatus.SERVING);
  });

  test("are served, over TLS too, and forgotten when they end", async () => {
    const plain = await serve();
    expect(await health(`127.0.0.1:${plain.port}`)).toBe(ServingStatus.SERVING);
    await until(() => plain.entrance.connections === 0);
    if (!HAS_OPENSSL) return;
    const tls = makeTls();
    const secure = await serve({}, tls.server);
    expect(await health(`localhost:${secure.port}`, tls.client)).toBe(ServingStatus.SERVING);
    await until(() => secure.entrance.connections === 0);
  });
});

describe("calls", () => {
  test("beyond a peer's share are refused with when to come again, health apart", async () => {
    const { entrance, port, told } = await serve({ callsPerPeer: 3 });
    const raw = connectRaw(port);
    ending.push(() => raw[Symbol.dispose]());
    await raw.settings;
    for (let i = 0; i < 3; i++) raw.call(WATCH);
    await until(() => entrance.calls === 3);
    const { headers } = await raw.call("/test.v1.Test/Say").ended;
    const details = Buffer.from(headers["grpc-status-details-bin"]!, "base64");
    const refused = { code: Number(headers["grpc-status"]), details: "", metadata: new grpc.Metadata() };
    refused.metadata.set("grpc-status-details-bin", details);
    expect(fromServiceError(refused)).toMatchObject({
      code: grpc.status.RESOURCE_EXHAUSTED,
      retryAfterMs: 1_000,
    });
    expect(await health(`127.0.0.1:${port}`)).toBe(ServingStatus.SERVING);
    expect(told).toEqual([
      "too much at once: connections refused: 0, calls refused: 1, the last from 127.0.0.1",
    ]);
    raw[Symbol.dispose]();
    await until(() => entrance.calls === 0);
  });

  test("of health beyond the share are few", async () => {
    const { entrance, port } = await serve({ callsPerPeer: 1 });
    const raw = connectRaw(port);
    ending.push(() => raw[Symbol.dispose]());
    await raw.settings;
    const all = Array.from({ length: 20 }, () => raw.call(WATCH));
    const [refused] = await Promise.all(all.slice(3).map(({ ended }) => ended));
    // Node 20 never returns from `destroy` of a session whose streams have closed in the same turn.
    await settle();
    expect(refused!.headers["grpc-status"]).toBe(String(grpc.status.RESOURCE_EXHAUSTED));
    expect(entrance.calls).toBe(1);
    expect(all.filter(({ stream }) => !stream.closed).length).toBe(3);
  });
});

test("a call that is reset while it waits for its turn ends no process, and never starts", async () => {
  const waiting: ReadCall[] = [];
  class Waiting extends Turns {
    override take(_: Connection, call: ReadCall): void {
      waiting.push(call);
    }
  }
  const entrance = new Entrance({}, undefined, new Waiting());
  const server = makeServer({ entrance });
  serveHealth(server);
  const port = await promisify(server.bindAsync.bind(server))(
    "127.0.0.1:0",
    grpc.ServerCredentials.createInsecure(),
  );
  ending.push(() => server.forceShutdown());
  const raw = connectRaw(port);
  ending.push(() => raw[Symbol.dispose]());
  const { stream } = raw.call(WATCH);
  await until(() => waiting.length === 1);
  expect(entrance.calls).toBe(1);
  stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
  await until(() => entrance.calls === 0);
  await settle();
  expect(waiting[0]!.isOver()).toBe(true);
});

test("a server that ends does not wait until sockets that say nothing have had their time", async () => {
  const { entrance, server, port } = await serve();
  const silent = [await dial(entrance, port), await dial(entrance, port)];
  const closed = silent.map((socket) => closing(socket));
  await promisify(server.tryShutdown.bind(server))();
  await Promise.all(closed);
  await until(() => entrance.connections === 0);
});
