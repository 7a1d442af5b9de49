/**
 * What a stranger, or one who holds a proof and sends no request, can have of a server: a raw HTTP/2 client.
 */
import { once } from "node:events";
import http2 from "node:http2";
import { connect } from "node:net";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ticketInterceptor } from "../../../src/client/index.js";
import { SERVER_OPTIONS } from "../../../src/rpc/server-options.js";
import { callerOf } from "../../../src/services/guard/caller.js";
import { type GuardedServerOptions, guardedServer } from "../../../src/services/guard/guarded-server.js";
import { guard } from "../../../src/services/guard/interceptor.js";
import { serveHealth } from "../../../src/services/own-server.js";
import { MemoryReplayCache } from "../../../src/store/replay/memory-replay-cache.js";
import { connectRaw, frame, type RawAnswer, type RawCall, type RawClient } from "../../rpc/raw-client.js";
import { bind, KEYS, methodOf, NOW, ticketFor } from "./by-hand.js";
import { addChat, CHAT, ChatClient } from "./chat.js";

const KINDS = ["say", "list", "join", "talk"] as const;
const NO_ERROR = http2.constants.NGHTTP2_NO_ERROR;
const STREAMS = SERVER_OPTIONS["grpc.max_concurrent_streams"]!;
/** How long a single request may take. */
const LIMIT = 6_000;

const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0).reverse()) end();
});

/** The streams that a server has open, and the most it had. */
interface Streams {
  open: number;
  most: number;
}

interface Running {
  readonly port: number;
  readonly raw: RawClient;
  readonly streams: Streams;
  /** The methods whose handlers were reached. */
  readonly reached: string[];
}

type Make = (options: GuardedServerOptions) => grpc.Server;
const plain: Make = ({ interceptors: _, serverOptions, ...options }) =>
  new grpc.Server({ ...serverOptions, interceptors: [guard(options)] });

async function serve(
  options: Partial<GuardedServerOptions> = {},
  make: Make = guardedServer,
): Promise<Running> {
  const streams: Streams = { open: 0, most: 0 };
  const create = vi.spyOn(http2, "createServer").mockImplementation(((...args: [http2.ServerOptions]) => {
    create.mockRestore();
    const made = http2.createServer(...args);
    return made.on("stream", (stream) => {
      streams.most = Math.max(streams.most, ++streams.open);
      stream.once("close", () => streams.open--);
    });
  }) as never);
  const replayCache = new MemoryReplayCache({ skew: 300_000, startedAt: NOW, restart: "fresh" });
  const server = make({ keytab: () => KEYS, clock: () => NOW, replayCache, ...options });
  const reached: string[] = [];
  addChat(server, (method) => reached.push(method));
  serveHealth(server);
  const listen = promisify(server.bindAsync.bind(server));
  const port = await listen("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  const raw = connectRaw(port);
  await raw.settings;
  ending.push(
    () => server.forceShutdown(),
    () => raw[Symbol.dispose](),
  );
  return { port, raw, streams, reached };
}

/** The method, as the hand-made proofs have it. */
const method = (kind: (typeof KINDS)[number]) => ({ ...methodOf(kind), path: CHAT[kind].path });
const TEXT = JSON.stringify({ text: "hello" });

/** The headers of a call with a proof. */
function proven(kind: (typeof KINDS)[number]): Record<string, string> {
  const { apReq } = bind(method(kind), "authenticate", { text: TEXT });
  return { ":authority": "api.example.test", "kerberos-ap-req-bin": apReq.toString("base64") };
}

const calls = (count: number, call: () => RawCall) => Array.from({ length: count }, call);
const ended = (all: readonly RawCall[]) => Promise.all(all.map((call) => call.ended));
const open = (all: readonly RawCall[]) => all.filter(({ stream }) => !stream.closed).length;

/** How calls ended, and how many so. */
function outcomes(answers: readonly RawAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { headers, rstCode } of answers) {
    const outcome = `${grpc.status[Number(headers["grpc-status"])] ?? headers[":status"]} ${rstCode}`;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** Waits until the server has seen as much. */
async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise(setImmediate);
}

describe.each<[string, Make]>([
  ["guardedServer", guardedServer],
  ["a server of one's own with guard", plain],
])("%s: half calls without a proof", (_, make) => {
  test.each(KINDS)(
    "of %s end at their headers, thousands of them, and leave no stream open",
    async (kind) => {
      const { raw, streams, reached } = await serve({}, make);
      const all = calls(1_000, () => raw.call(CHAT[kind].path));
      expect(outcomes(await ended(all))).toEqual({ [`UNAUTHENTICATED ${NO_ERROR}`]: 1_000 });
      await until(() => streams.open === 0);
      expect(reached).toEqual([]);
    },
  );

  test("end though the client goes on to send, whose bytes are read by nobody", async () => {
    const { raw, streams } = await serve({}, make);
    const all = calls(200, () => raw.call(CHAT.say.path));
    for (const { stream } of all) for (let sent = 0; sent < 100; sent++) stream.write(Buffer.from([sent]));
    expect(outcomes(await ended(all))).toEqual({ [`UNAUTHENTICATED ${NO_ERROR}`]: 200 });
    await until(() => streams.open === 0);
  });
});

describe("half calls with a proof", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
  afterEach(() => void vi.useRealTimers());

  test.each(["say", "list"] as const)(
    "of %s, whose request never comes, have six seconds, a connection's worth at a time",
    async (kind) => {
      const { raw, streams, reached } = await serve();
      const headers = proven(kind);
      const all = calls(10 * STREAMS, () => raw.call(CHAT[kind].path, headers));
      for (let left = 10 * STREAMS; left > 0; left -= STREAMS) {
        await until(() => streams.open === STREAMS);
        vi.advanceTimersByTime(LIMIT - 1);
        await new Promise(setImmediate);
        expect(open(all)).toBe(left);
        vi.advanceTimersByTime(1);
        await until(() => open(all) === left - STREAMS);
      }
      expect(outcomes(await ended(all))).toEqual({ [`DEADLINE_EXCEEDED ${NO_ERROR}`]: 10 * STREAMS });
      expect(streams.most).toBe(STREAMS);
      await until(() => streams.open === 0);
      expect(reached).toEqual([]);
    },
  );

  test("and bodies that come byte by byte have no longer", async () => {
    const { raw, streams, reached } = await serve();
    const headers = proven("say");
    const all = calls(STREAMS, () => raw.call(CHAT.say.path, headers));
    const body = frame(new Uint8Array(10_000));
    await until(() => streams.open === STREAMS);
    for (let at = 0; at < LIMIT; at += 100) {
      for (const { stream } of all) stream.write(body.subarray(at / 100, at / 100 + 1));
      await new Promise(setImmediate);
      expect(open(all)).toBe(STREAMS);
      vi.advanceTimersByTime(100);
    }
    const answers = await ended(all);
    expect(outcomes(answers)).toEqual({ [`DEADLINE_EXCEEDED ${NO_ERROR}`]: STREAMS });
    expect(decodeURI(answers[0]!.headers["grpc-message"]!)).toBe(
      "the server ended the call: the request took longer than 6000 ms",
    );
    await until(() => streams.open === 0);
    expect(reached).toEqual([]);
  });

  test("end under guard alone as well, and after as long as it was told", async () => {
    const { raw, streams } = await serve({ requestTimeoutMs: 70 }, plain);
    const headers = proven("say");
    const all = calls(500, () => raw.call(CHAT.say.path, headers));
    await until(() => streams.open === 500);
    vi.advanceTimersByTime(69);
    await new Promise(setImmediate);
    expect(open(all)).toBe(500);
    vi.advanceTimersByTime(1);
    expect(outcomes(await ended(all))).toEqual({ [`DEADLINE_EXCEEDED ${NO_ERROR}`]: 500 });
  });

  test("that end before their time are waited for no more, and a request in time is served", async () => {
    const { raw, streams, reached } = await serve();
    const [gone, served] = calls(2, () => raw.call(CHAT.say.path, proven("say")));
    await until(() => streams.open === 2);
    gone!.stream.close(http2.constants.NGHTTP2_CANCEL);
    await until(() => streams.open === 1);
    vi.advanceTimersByTime(LIMIT - 1);
    served!.stream.end(frame(Buffer.from(TEXT)));
    expect(outcomes(await ended([served!]))).toEqual({ [`OK ${NO_ERROR}`]: 1 });
    expect(reached).toEqual([CHAT.say.path]);
  });

  test("of methods that anybody may call end likewise, one by one and as streams", async () => {
    const { raw, streams } = await serve({ public: ["chat.v1.Chat"] });
    const all = [...KINDS.map((kind) => CHAT[kind].path), "/grpc.health.v1.Health/Check"].map((path) =>
      raw.call(path),
    );
    await until(() => streams.open === all.length);
    vi.advanceTimersByTime(LIMIT - 1);
    await new Promise(setImmediate);
    expect(open(all)).toBe(all.length);
    vi.advanceTimersByTime(1);
    expect(outcomes(await ended(all))).toEqual({ [`DEADLINE_EXCEEDED ${NO_ERROR}`]: all.length });
  });
});

test("calls that the server answers by itself leave no stream open: unknown methods, other contents", async () => {
  const { raw, streams } = await serve();
  const unknown = calls(1_000, () => raw.call("/chat.v1.Chat/Whisper"));
  expect(outcomes(await ended(unknown))).toEqual({ [`UNIMPLEMENTED ${NO_ERROR}`]: 1_000 });
  const foreign = calls(1_000, () => raw.call(CHAT.say.path, { "content-type": "application/json" }));
  expect(outcomes(await ended(foreign))).toEqual({ [`415 ${NO_ERROR}`]: 1_000 });
  await until(() => streams.open === 0);
});

describe("the server", () => {
  /** Calls with alice's ticket, by grpc-js. */
  function client(port: number): ChatClient {
    const credentials = ticketFor();
    const tickets = { serviceProof: async () => ({ credentials, clock: () => NOW }) };
    const interceptors = [ticketInterceptor(tickets, "chat/api.example.test")];
    const made = new ChatClient(`localhost:${port}`, grpc.credentials.createInsecure(), { interceptors });
    ending.push(() => made.close());
    return made;
  }

  test("serves all kinds of calls, with sessions, and health to anybody", async () => {
    const { port, raw } = await serve({ replayCache: undefined });
    const chat = client(port);
    for (let round = 0; round < 2; round++) {
      expect(await chat.say("hello")).toBe("hello");
      expect(await chat.list("a b")).toEqual(["a", "b"]);
      expect(await chat.join(["a", "b"])).toBe("a b");
      expect(await chat.talk(["a", "b"])).toEqual(["a", "b"]);
    }
    const health = raw.call("/grpc.health.v1.Health/Check");
    health.stream.end(frame(new Uint8Array()));
    expect((await health.ended).headers).toMatchObject({ "grpc-status": String(grpc.status.OK) });
  });

  test("has the interceptors given behind the guard", async () => {
    const callers: string[] = [];
    const spy: grpc.ServerInterceptor = (_method, call) =>
      new grpc.ServerInterceptingCall(call, {
        start: (next) =>
          next({
            onReceiveMetadata: (metadata, go) => {
              callers.push(callerOf({ metadata }).principal);
              go(metadata);
            },
          }),
      });
    const { port } = await serve({ interceptors: [spy] });
    await client(port).say("hello");
    expect(callers).toEqual(["alice@TEST.EXAMPLE"]);
  });

  test("takes no message longer than the realm's servers do, unless it is told to", async () => {
    const text = "x".repeat(20_000);
    const { port } = await serve();
    await expect(client(port).say(text)).rejects.toMatchObject({
      details: expect.stringContaining("larger than max"),
    });
    const limits = { "grpc.max_receive_message_length": 30_000, "grpc.max_send_message_length": 30_000 };
    const { port: wide } = await serve({ serverOptions: limits });
    expect(await client(wide).say(text)).toBe(text);
  });

  test("takes as many calls at once as it is told to", async () => {
    const { raw, streams } = await serve({ serverOptions: { "grpc.max_concurrent_streams": 3 } });
    calls(10, () => raw.call(CHAT.say.path, proven("say")));
    await until(() => streams.open === 3);
    expect(streams.most).toBe(3);
  });

  test.each<[object, string]>([
    [{ interceptors: {} }, "interceptors: expected a list"],
    [
      { serverOptions: { interceptors: [] } },
      "serverOptions: interceptors have an option of their own, `interceptors`",
    ],
    [{ keytab: 7 }, "keytab: expected a path, a KeytabFile or a function that gives the service's keys"],
  ])("refuses %j", (options, message) => {
    const keytab = () => KEYS;
    expect(() => guardedServer({ keytab, ...options })).toThrow(new TypeError(message));
  });
});

describe("limits of a guarded server", () => {
  test("are those it is given, and its log says what was refused", async () => {
    const told: unknown[] = [];
    const log = (line: object) => void told.push(line);
    const { raw } = await serve({ limits: { callsPerPeer: 2 }, log });
    for (let i = 0; i < 2; i++) raw.call("/grpc.health.v1.Health/Watch");
    const refused = await raw.call(CHAT.say.path).ended;
    // Node 20 never returns from `destroy` of a session whose streams have closed in the same turn.
    await new Promise(setImmediate);
    expect(refused.headers["grpc-status"]).toBe(String(grpc.status.RESOURCE_EXHAUSTED));
    expect(told).toEqual([
      {
        time: new Date(NOW).toISOString(),
        level: "warn",
        exchange: "GUARD",
        text: "too much at once: connections refused: 0, calls refused: 1, the last from 127.0.0.1",
      },
    ]);
  });

  test("close a socket that says nothing after six seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    try {
      const { port } = await serve();
      const socket = connect(port, "127.0.0.1");
      const closed = new Promise((resolve) => void socket.on("error", () => {}).once("close", resolve));
      await once(socket, "connect");
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      vi.advanceTimersByTime(LIMIT);
      await closed;
    } finally {
      vi.useRealTimers();
    }
  });
});
