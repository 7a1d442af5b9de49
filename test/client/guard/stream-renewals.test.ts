/** Streams that outlive tickets, over sockets: real KDC, real service, and a clock that the test turns. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { type TicketInterceptorOptions, ticketInterceptor } from "../../../src/client/index.js";
import { fromServiceError } from "../../../src/rpc/status.js";
import type { Timer } from "../../../src/rpc/timer.js";
import type { Caller } from "../../../src/services/guard/caller.js";
import { callerOf, currentCaller } from "../../../src/services/index.js";
import { MemoryReplayCache } from "../../../src/store/replay/memory-replay-cache.js";
import {
  createGuardedService,
  createTestRealm,
  type GuardedServiceOptions,
  type TestRealm,
} from "../../../src/testing/index.js";
import { addChat, CHAT, ChatClient, type Line } from "../../services/guard/chat.js";

const SERVICE = "chat/api.example.test";
const DAY = 24 * 3_600_000;
const LEVELS = ["authenticate", "integrity", "privacy"] as const;

/** Handlers whose streams stay open; the callers that they find, by then. */
function openHandlers() {
  const callers: (() => Caller)[] = [];
  const open: grpc.ServerWritableStream<Line, Line>[] = [];
  return {
    callers,
    open,
    list: (call: grpc.ServerWritableStream<Line, Line>) => {
      open.push(call);
      call.write({ text: "begun" });
    },
    /** As the plain one, but "hold" keeps the responses open. */
    talk: (call: grpc.ServerDuplexStream<Line, Line>) => {
      let isHeld = false;
      call.on("data", (line: Line) => {
        isHeld ||= line.text === "hold";
        call.write(line.text === "until" ? { text: `until ${currentCaller().endtime}` } : line);
      });
      call.on("end", () => isHeld || call.end());
    },
    remember: (call: { metadata: grpc.Metadata }) => void callers.push(() => callerOf(call)),
  };
}

async function openService(
  options: GuardedServiceOptions & {
    readonly client?: TicketInterceptorOptions;
    readonly renewable?: boolean;
  } = {},
) {
  const { client: wish, renewable = true, ...rest } = options;
  const realm = await createTestRealm({ users: { alice: "secret", bob: "other" }, services: [SERVICE] });
  const handlers = openHandlers();
  const register = (server: grpc.Server) =>
    addChat(server, (_, call) => handlers.remember(call), {
      list: handlers.list,
      talk: handlers.talk,
    });
  const service = await createGuardedService(realm, SERVICE, register, rest);
  const alice = realm.client();
  const logIn = () =>
    alice.login("alice@TEST.EXAMPLE", "secret", renewable ? { renewableLife: 7 * DAY } : {});
  await logIn();
  const { timer, waiting } = countedTimer(realm);
  const interceptors = [ticketInterceptor(alice, SERVICE, { timer, ...wish })];
  const client = new ChatClient(service.address, grpc.credentials.createInsecure(), { interceptors });
  onTestFinished(async () => {
    client.close();
    await service.close();
    await realm.close();
  });
  const renewed = () => service.log.filter(({ text }) => String(text).startsWith("renewed until")).length;
  return {
    realm,
    service,
    client,
    alice,
    logIn,
    handlers,
    renewed,
    /** The client's streams that wait for the end of their tickets. */
    waiting,
    talk: () => talking(client),
    /** Turns the clock into the last tenth of the ticket's life, and waits until the streams are renewed. */
    async renew(streams = 1) {
      const before = renewed();
      realm.advance("9h30m");
      await until(() => renewed() === before + streams);
    },
  };
}

/** The realm's timers, and who waits for them. */
function countedTimer(realm: TestRealm) {
  const waiting = new Set<object>();
  const timer: Timer = (ms, wake) => {
    const waiter = {};
    waiting.add(waiter);
    const stop = realm.timer(ms, () => {
      waiting.delete(waiter);
      wake();
    });
    return () => {
      waiting.delete(waiter);
      stop();
    };
  };
  return { timer, waiting };
}

/** An open conversation. */
function talking(client: grpc.Client) {
  const { path, requestSerialize, responseDeserialize } = CHAT.talk;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const heard: string[] = [];
  call.on("data", ({ text }: Line) => heard.push(text));
  const ended = endOf(call);
  return {
    call,
    heard,
    ended,
    /** Says something, and waits until it was said again. */
    async say(text: string) {
      call.write({ text });
      await until(() => heard.at(-1) === text);
    },
  };
}

/** The status that a stream of responses ends with. */
async function endOf(call: grpc.ClientReadableStream<Line>) {
  call.on("error", () => {});
  const status = await new Promise<grpc.StatusObject>((resolve) => void call.on("status", resolve));
  const { code } = status;
  const error = fromServiceError(Object.assign(new Error(status.details), status));
  const { reason } = error as { reason?: string };
  return { code: grpc.status[code], reason, text: status.details };
}

async function until(happened: () => boolean): Promise<void> {
  do await new Promise((resolve) => void setImmediate(resolve));
  while (!happened());
}

const UNDER = {
  "a session": {},
  "an AP exchange": {
    guard: {
      replayCache: new MemoryReplayCache({ skew: 300_000, startedAt: 0, restart: "fresh" }),
      sessions: false,
    },
    client: { sessions: false },
  },
} as const;
const EXPIRED = { code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_TKT_EXPIRED" };

describe.each(["a session", "an AP exchange"] as const)("under %s", (under) => {
  const { guard = {}, client: base = {} } = UNDER[under] as { guard?: object; client?: object };
  describe.each(LEVELS)("at %s", (protection) => {
    const open = (more: object = {}) => openService({ guard, client: { ...base, protection }, ...more });

    test("a conversation goes on for as long as its client gets tickets", async () => {
      const { realm, service, talk, renew, handlers } = await open();
      const { say, call, ended } = talk();
      await say("first");
      const [caller] = handlers.callers;
      const endtimes = [caller!().endtime];
      for (const text of ["second", "third", "fourth"]) {
        await renew();
        await say(text);
        endtimes.push(caller!().endtime);
      }
      expect(endtimes).toEqual([...endtimes].sort((a, b) => a - b));
      expect(new Set(endtimes).size).toBe(4);
      expect(realm.now).toBeGreaterThan(endtimes[0]! + DAY / 2);
      call.end();
      expect(await ended).toMatchObject({ code: "OK" });
      expect(service.streams).toBe(0);
    });

    test("a stream of requests goes on, before the service has proved itself or answered", async () => {
      const { client, renew, handlers } = await open();
      const { path, requestSerialize, responseDeserialize } = CHAT.join;
      let answer!: (text: string) => void;
      const answered = new Promise<string>((resolve) => {
        answer = resolve;
      });
      const call = client.makeClientStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        (error, line) => answer(error ? error.message : line!.text),
      );
      call.write({ text: "a" });
      await until(() => handlers.callers.length === 1);
      await renew();
      call.write({ text: "b" });
      await renew();
      call.end({ text: "c" });
      expect(await answered).toBe("a b c");
    });

    test("a stream of responses ends with its ticket, and says so", async () => {
      const { client, realm, service } = await open();
      const { path, requestSerialize, responseDeserialize } = CHAT.list;
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { text: "x" });
      call.resume();
      const ended = endOf(call);
      await once(call, "data");
      realm.advance("10h5m");
      expect(service.streams).toBe(1);
      realm.advance("10s");
      expect(await ended).toMatchObject(EXPIRED);
      expect((await ended).text).toContain("can't be renewed");
      expect(service.streams).toBe(0);
    });
  });

  test("a renewal finds its place among messages that flow both ways", async () => {
    const { talk, renew, renewed } = await openService({ guard, client: { ...base, protection: "privacy" } });
    const { call, heard, ended } = talk();
    let sent = 0;
    let isFlowing = true;
    const send = () => call.write({ text: String(sent++) });
    call.on("data", () => isFlowing && send());
    for (let i = 0; i < 10; i++) send();
    await until(() => heard.length > 20);
    await renew();
    await renew();
    const { length } = heard;
    await until(() => heard.length > length);
    isFlowing = false;
    call.end();
    expect(await ended).toMatchObject({ code: "OK" });
    expect(heard).toEqual(Array.from({ length: sent }, (_, i) => String(i)));
    expect(renewed()).toBe(2);
  });
});

test("all streams of a client are renewed, each by itself, by one renewal of its login", async () => {
  const { talk, realm, waiting, renewed, service } = await openService();
  const all = Array.from({ length: 5 }, talk);
  for (const { say } of all) await say("before");
  // One renews the login; those that asked meanwhile got the old ticket, and ask again.
  realm.advance("9h30m");
  await until(() => renewed() >= 1 && waiting.size === 5);
  realm.advance("16m");
  await until(() => renewed() === 5);
  realm.advance("1h");
  expect(service.streams).toBe(5);
  for (const { say, call } of all) {
    await say("after");
    call.end();
  }
  expect(await Promise.all(all.map(({ ended }) => ended))).toEqual(
    Array(5).fill(expect.objectContaining({ code: "OK" })),
  );
});

test("currentCaller() is the caller by the latest ticket", async () => {
  const { talk, renew, handlers } = await openService({ guard: { currentCaller: true } });
  const { call, heard } = talk();
  const ask = async () => {
    const { length } = heard;
    call.write({ text: "until" });
    await until(() => heard.length > length);
    return heard.at(-1);
  };
  const first = await ask();
  expect(first).toBe(`until ${handlers.callers[0]!().endtime}`);
  await renew();
  const second = await ask();
  expect(second).not.toBe(first);
  expect(second).toBe(`until ${handlers.callers[0]!().endtime}`);
  call.cancel();
});

test("a daemon's streams go on by its keytab, and nobody calls login", async () => {
  const dir = mkdtempSync(join(tmpdir(), "streams-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const keytab = join(dir, "backup.keytab");
  const { realm, service, renewed } = await openService();
  await realm.addService("backup/db.example.test");
  writeFileSync(keytab, await realm.keytab("backup/db.example.test"), { mode: 0o600 });
  const daemon = realm.client({ keytab });
  const { timer, waiting } = countedTimer(realm);
  const interceptors = [ticketInterceptor(daemon, SERVICE, { timer })];
  const client = new ChatClient(service.address, grpc.credentials.createInsecure(), { interceptors });
  onTestFinished(() => client.close());
  const { say, call, ended } = talking(client);
  await say("begin");
  for (const count of [1, 2]) {
    // In the last tenth the stream asks, which begins a login that it does not wait for; then it asks again.
    const login = async () =>
      (await daemon.cached())!.credentials
        .map(({ endtime }) => endtime)
        .sort()
        .at(-1);
    const before = await login();
    realm.advance("9h");
    while ((await login()) === before || waiting.size === 0) await until(() => true);
    realm.advance("30m");
    await until(() => renewed() === count);
    await say(`after ${count}`);
  }
  call.end();
  expect(await ended).toMatchObject({ code: "OK" });
});

describe("where no other ticket is to be had", () => {
  test("the stream ends at the client when its ticket has, and says why", async () => {
    const { talk, realm } = await openService({ renewable: false });
    const { say, ended } = talk();
    await say("begin");
    realm.advance("10h");
    expect(await ended).toMatchObject(EXPIRED);
    expect((await ended).text).toMatch(
      /the stream's ticket expired at .*there is no other to renew it with: /,
    );
  });

  test("a login in time is taken, whoever made it", async () => {
    const { talk, realm, logIn, renewed } = await openService({ renewable: false });
    const { say, call, ended } = talk();
    await say("begin");
    realm.advance("9h30m"); // asks for a ticket, and gets the same
    await logIn();
    realm.advance("20m");
    await until(() => renewed() === 1);
    realm.advance("1h");
    await say("on");
    call.end();
    expect(await ended).toMatchObject({ code: "OK" });
  });

  test("another's login renews nothing", async () => {
    const { talk, realm, alice } = await openService({ renewable: false });
    const { say, ended } = talk();
    await say("begin");
    realm.advance("9h30m");
    await alice.login("bob@TEST.EXAMPLE", "other");
    realm.advance("31m");
    expect(await ended).toMatchObject(EXPIRED);
    expect((await ended).text).toContain("the ticket at hand is bob@TEST.EXAMPLE's");
  });
});

test("the service ends a stream whose caller its rules let in no more, and says so", async () => {
  let allowed = true;
  const { talk, realm } = await openService({ guard: { allow: { "*": () => allowed } } });
  const { say, ended } = talk();
  await say("begin");
  allowed = false;
  realm.advance("9h30m");
  expect(await ended).toMatchObject({ code: "PERMISSION_DENIED", reason: "KDC_ERR_POLICY" });
});

test("a client that has ended its half renews no more, and the stream ends with its ticket", async () => {
  const { client, realm, waiting, service } = await openService();
  const { path, requestSerialize, responseDeserialize } = CHAT.talk;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  call.resume();
  const ended = endOf(call);
  call.write({ text: "hold" });
  await until(() => waiting.size === 1 && service.streams === 1);
  call.end();
  await until(() => waiting.size === 0);
  realm.advance("10h5m10s");
  expect(await ended).toMatchObject(EXPIRED);
});

describe("timers", () => {
  test.each(["cancelled", "ended", "refused"] as const)(
    "none is left of a stream that was %s",
    async (how) => {
      let allowed = true;
      const { talk, service, waiting } = await openService({ guard: { allow: { "*": () => allowed } } });
      allowed = how !== "refused";
      const { call, ended, say } = talk();
      if (how !== "refused") {
        await say("begin");
        expect(waiting.size).toBe(1);
      }
      if (how === "cancelled") call.cancel();
      else if (how === "ended") call.end();
      await ended;
      expect(waiting.size).toBe(0);
      await until(() => service.streams === 0);
    },
  );

  test.each(["say", "list"] as const)("%s begins none: nothing of it could be renewed", async (kind) => {
    const { client, waiting } = await openService();
    if (kind === "say") await client.say("hello");
    else {
      const { path, requestSerialize, responseDeserialize } = CHAT.list;
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { text: "x" });
      call.on("error", () => {});
      await once(call, "data");
      expect(waiting.size).toBe(0);
      call.cancel();
    }
    expect(waiting.size).toBe(0);
  });

  test("the level `call` begins none", async () => {
    const { talk, waiting } = await openService({
      guard: { protection: "call" },
      client: { protection: "call" },
    });
    const { call, say, ended } = talk();
    await say("begin");
    expect(waiting.size).toBe(0);
    call.end();
    await ended;
  });
});
