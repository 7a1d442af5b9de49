/** How long connections last, over real sockets and a turned clock. */
import { once } from "node:events";
import * as http2 from "node:http2";
import { connect as connectSocket } from "node:net";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { takeLifeLimits } from "../../../src/rpc/entrance/lives.js";
import { makeServer, SERVER_OPTIONS } from "../../../src/rpc/server-options.js";
import { serveHealth } from "../../../src/services/own-server.js";
import { frame } from "../raw-client.js";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const WATCH = "/grpc.health.v1.Health/Watch";
const [PING_AFTER_MS, ANSWER_MS, IDLE_MS, AGE_MS, GRACE_MS] = [30_000, 5_000, 300_000, 3_600_000, 30_000];
/** How much later than its time something may be seen, in milliseconds. */
const STEP_MS = 500;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0).reverse()) end();
  vi.useRealTimers();
});

async function serve(options: grpc.ServerOptions = {}): Promise<number> {
  const server = makeServer({ options, limits: { idleStreamMs: Infinity } });
  serveHealth(server);
  ending.push(() => server.forceShutdown());
  return promisify(server.bindAsync.bind(server))("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
}

/** A client, and what it has seen of its connection. */
async function connect(port: number) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  ending.push(() => session.destroy());
  const seen = { pings: 0, goaway: [] as string[], isClosed: false };
  session.on("error", () => {});
  session.on("ping", () => void seen.pings++);
  session.on("goaway", (_, __, data?: Buffer) => void seen.goaway.push(data?.toString() ?? ""));
  session.on("close", () => {
    seen.isClosed = true;
  });
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  await settle();
  const watch = () => {
    const stream = session.request({ ":method": "POST", ":path": WATCH, "content-type": "application/grpc" });
    stream.on("error", () => {});
    stream.resume();
    stream.write(frame(Buffer.alloc(0)));
    return stream;
  };
  return { session, seen, watch };
}

/** Gives the sockets of this process the time to tell what has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate);
}

/** The clock goes on, and whoever is pinged meanwhile answers. */
async function pass(ms: number): Promise<void> {
  const step = ANSWER_MS / 2;
  for (let left = ms; left > 0; left -= step) {
    vi.advanceTimersByTime(Math.min(left, step));
    await settle();
  }
}

test("a peer is pinged every 30 s, and its connection goes on", async () => {
  const { seen, watch } = await connect(await serve());
  watch();
  await pass(PING_AFTER_MS - STEP_MS);
  expect(seen.pings).toBe(0);
  await pass(STEP_MS + 1_000);
  expect(seen.pings).toBe(1);
  await pass(PING_AFTER_MS + 2_000);
  expect(seen).toMatchObject({ pings: 2, goaway: [], isClosed: false });
});

test("one that does not answer is cut off after 5 s, whatever else it says", async () => {
  const socket = connectSocket({ port: await serve(), host: "127.0.0.1" });
  ending.push(() => socket.destroy());
  let isClosed = false;
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  socket.resume();
  socket.write(Buffer.concat([PREFACE, SETTINGS]));
  await once(socket, "data");
  await settle();
  const speak = async (ms: number) => {
    vi.advanceTimersByTime(ms);
    socket.write(SETTINGS);
    await settle();
  };
  await speak(PING_AFTER_MS + STEP_MS);
  await speak(ANSWER_MS - 2 * STEP_MS);
  expect(isClosed).toBe(false);
  await speak(4 * STEP_MS);
  expect(isClosed).toBe(true);
});

test("one without a call ends after 5 min, counted from its last call", async () => {
  const { seen, watch } = await connect(await serve());
  const stream = watch();
  await pass(IDLE_MS * 2);
  expect(seen.isClosed).toBe(false);
  stream.close();
  await settle();
  await pass(IDLE_MS - STEP_MS);
  expect(seen.isClosed).toBe(false);
  // A call that comes and goes between two looks counts.
  const short = watch();
  await settle();
  short.close();
  await pass(IDLE_MS - STEP_MS);
  expect(seen.isClosed).toBe(false);
  await pass(3_000);
  expect(seen).toMatchObject({ goaway: expect.arrayContaining([""]), isClosed: true });
});

test("one that never had a call ends, too", async () => {
  const { seen } = await connect(await serve());
  await pass(IDLE_MS + 1_000);
  expect(seen).toMatchObject({ goaway: expect.arrayContaining([""]), isClosed: true });
});

test.each([
  [0, 0.9],
  [0.5, 1],
  [0.999, 1.0998],
])(
  "any ends after an hour, give or take: by %d, %d of it; its calls have 30 s more",
  async (random, part) => {
    const chosen = vi.spyOn(Math, "random").mockReturnValue(random);
    ending.push(() => chosen.mockRestore());
    const port = await serve();
    const { seen, watch } = await connect(port);
    watch();
    await pass(AGE_MS * part - 8_000);
    expect(seen.goaway).toEqual([]);
    await pass(8_000 + 1_000);
    expect(seen.goaway[0]).toBe("max_age");
    await pass(GRACE_MS - STEP_MS - 1_000);
    expect(seen.isClosed).toBe(false);
    await pass(STEP_MS + 2_000);
    expect(seen.isClosed).toBe(true);
  },
);

test("an old one without calls is closed at once", async () => {
  const { seen } = await connect(await serve({ "grpc.max_connection_idle_ms": 2 ** 31 - 1 }));
  await pass(AGE_MS * 1.1 + 1_000);
  expect(seen).toMatchObject({ isClosed: true });
  expect(seen.goaway[0]).toBe("max_age");
});

test("whoever has other limits keeps to those, short ones too", async () => {
  const port = await serve({ "grpc.max_connection_age_ms": 100, "grpc.max_connection_age_grace_ms": 50 });
  const { seen, watch } = await connect(port);
  watch();
  vi.advanceTimersByTime(80);
  await settle();
  expect(seen.goaway).toEqual([]);
  vi.advanceTimersByTime(40);
  await settle();
  expect(seen.goaway[0]).toBe("max_age");
  vi.advanceTimersByTime(60);
  await settle();
  expect(seen.isClosed).toBe(true);
});

test("no timer is left where no connection is", async () => {
  const before = vi.getTimerCount();
  const { session } = await connect(await serve());
  expect(vi.getTimerCount()).toBeGreaterThan(before);
  session.destroy();
  await settle();
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(before);
});

test("the options of grpc-js say what the limits are, as grpc-js would take them", () => {
  const { limits, options } = takeLifeLimits({ ...SERVER_OPTIONS, "grpc.enable_channelz": 1 });
  expect(limits).toEqual({
    pingAfterMs: PING_AFTER_MS,
    answerMs: ANSWER_MS,
    idleMs: IDLE_MS,
    ageMs: AGE_MS,
    graceMs: GRACE_MS,
  });
  expect(Object.keys(options).filter((name) => /keepalive|connection/.test(name))).toEqual([]);
  expect(options["grpc.enable_channelz"]).toBe(1);
  const none = {
    pingAfterMs: Infinity,
    answerMs: 20_000,
    idleMs: Infinity,
    ageMs: Infinity,
    graceMs: Infinity,
  };
  expect(takeLifeLimits({}).limits).toEqual(none);
  const unlimited = { "grpc.keepalive_time_ms": 0, "grpc.max_connection_age_ms": 2 ** 31 - 1 };
  expect(takeLifeLimits(unlimited).limits).toEqual(none);
  expect(takeLifeLimits({ "grpc.keepalive_time_ms": -1 }).limits).toEqual(none);
});
