/**
 * The attacks of `npm run bench:abuse` in small sizes: how each ends, and that nothing of it is left when the
 * turned clock says so. What they cost is measured there.
 */
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ATTACKS, type SIZES } from "../../../bench/abuse/attacks.mjs";
import type { Attacker } from "../../../bench/abuse/raw-http2.mjs";
import { TYPE } from "../../../bench/http2-frames.mjs";
import { Entrance } from "../../../src/rpc/entrance/entrance.js";
import { OPENING_MS } from "../../../src/rpc/entrance/limits.js";
import { makeServer } from "../../../src/rpc/server-options.js";
import { serveHealth } from "../../../src/services/own-server.js";

const bytes = (value: Buffer) => value;
const codec = {
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};
const SAY = { path: "/test.v1.Test/Say", requestStream: false, responseStream: false, ...codec };

const ending: (() => void)[] = [];
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(async () => {
  vi.useRealTimers();
  // Node 20 never returns from `destroy` of a session whose streams have closed in the same turn.
  await new Promise(setImmediate);
  for (const end of ending.splice(0).reverse()) end();
});

async function serve() {
  const entrance = new Entrance();
  const server = makeServer({ entrance });
  serveHealth(server);
  let served = 0;
  server.addService(
    { say: SAY },
    {
      say: ({ request }: { request: Buffer }, callback: grpc.sendUnaryData<Buffer>) => {
        served++;
        callback(null, request);
      },
    },
  );
  const listen = promisify(server.bindAsync.bind(server));
  const port = await listen("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  ending.push(() => server.forceShutdown());
  return {
    entrance,
    target: { port, path: SAY.path, request: () => Buffer.alloc(64) },
    served: () => served,
  };
}

/** Small sizes, of which each is beyond what is allowed. */
async function attack(
  name: keyof typeof SIZES,
  target: Parameters<(typeof ATTACKS)[string]>[0],
  size: number,
) {
  // The attackers' own pauses are real ones.
  const turning = setInterval(() => vi.advanceTimersByTime(1), 1);
  try {
    const attackers = await ATTACKS[name]!(target, size);
    ending.push(() => attackers.forEach((attacker) => void attacker.destroy()));
    return attackers;
  } finally {
    clearInterval(turning);
  }
}

async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(setImmediate);
}

const ends = (attackers: readonly Attacker[]) => attackers.reduce((sum, { ended }) => sum + ended.size, 0);
const frames = (attackers: readonly Attacker[], type: number) =>
  attackers.reduce((sum, { seen }) => sum + (seen[type] ?? 0), 0);

describe("a connection that keeps no rule is closed", () => {
  test.each([
    ["idle streams", 2_000],
    ["header flood", 500],
    ["settings flood", 20_000],
  ] as const)("%s", async (name, size) => {
    const { entrance, target, served } = await serve();
    const attackers = await attack(name, target, size);
    await Promise.all(attackers.map(({ closed }) => closed));
    await until(() => entrance.connections === 0 && entrance.calls === 0);
    expect(served()).toBe(0);
  });
});

test("rapid reset is answered with GOAWAY after a thousand, and nothing is left open", async () => {
  const { entrance, target, served } = await serve();
  const attackers = await attack("rapid reset", target, 5_000);
  await until(() => frames(attackers, TYPE.GOAWAY) > 0);
  await until(() => entrance.calls === 0);
  expect(served()).toBe(0);
});

test("idle streams within the limit end after five seconds", async () => {
  const { entrance, target } = await serve();
  const attackers = await attack("idle streams on many connections", target, 256);
  await until(() => entrance.calls === 256);
  vi.advanceTimersByTime(4_900);
  await new Promise(setImmediate);
  expect(ends(attackers)).toBe(0);
  vi.advanceTimersByTime(200);
  await until(() => ends(attackers) === 256 && entrance.calls === 0);
});

test("half messages end after five seconds", async () => {
  const { entrance, target, served } = await serve();
  const attackers = await attack("half messages", target, 256);
  await until(() => entrance.calls === 256);
  vi.advanceTimersByTime(5_100);
  await until(() => ends(attackers) === 256 && entrance.calls === 0);
  expect(served()).toBe(0);
});

test("replies that nobody reads are thrown away within twelve seconds, and their streams reset", async () => {
  const { entrance, target, served } = await serve();
  const attackers = await attack("replies never read", target, 256);
  await until(() => served() === 256);
  for (let second = 0; second < 12; second++) {
    vi.advanceTimersByTime(1_000);
    await new Promise(setImmediate);
  }
  await until(() => entrance.calls === 0);
  await until(() => frames(attackers, TYPE.RST_STREAM) === 256);
});

test("messages byte by byte are refused long before they are whole", async () => {
  const { entrance, target, served } = await serve();
  const attackers = await attack("one-byte frames", target, 40_000);
  await until(() => ends(attackers) === 128 && entrance.calls === 0);
  expect(served()).toBe(0);
});

test("silent sockets are closed after six seconds", async () => {
  const { entrance, target } = await serve();
  const attackers = await attack("silent sockets", target, 200);
  await until(() => entrance.connections === 200);
  vi.advanceTimersByTime(OPENING_MS);
  await Promise.all(attackers.map(({ closed }) => closed));
  expect(entrance.connections).toBe(0);
});

test.each(["huge headers", "compressed bombs"] as const)("%s reach no handler", async (name) => {
  const { entrance, target, served } = await serve();
  const attackers = await attack(name, target, 20);
  await until(() => frames(attackers, TYPE.SETTINGS) > 0);
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  vi.advanceTimersByTime(5_100);
  await until(() => ends(attackers) === 20 || attackers.every(({ isClosed }) => isClosed));
  await until(() => entrance.calls === 0);
  expect(served()).toBe(0);
});
