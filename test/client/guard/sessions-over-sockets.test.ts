/** Sessions over sockets: a guard without a replay cache, and clients that prove themselves by one MAC. */
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TicketSource, ticketInterceptor } from "../../../src/client/index.js";
import { PROTECTIONS } from "../../../src/protocol/call-binding.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { readSessionCall } from "../../../src/protocol/session-call.js";
import { AP_REQ_METADATA, CALL_METADATA } from "../../../src/rpc/metadata-names.js";
import { guard } from "../../../src/services/guard/interceptor.js";
import { createTestRealm, type TestRealm } from "../../../src/testing/test-realm.js";
import type { ChatClient, ChatHandlers } from "../../services/guard/chat.js";
import { forge, refusalOf } from "../../services/guard/proof.js";
import { tamper } from "../../services/guard/tamper.js";
import { openWorld, SERVICE, type World, type WorldOptions } from "../../services/guard/world.js";

const KINDS = ["say", "list", "join", "talk"] as const;
type Kind = (typeof KINDS)[number];
const HOUR = 3_600_000;
const MIB = 1 << 20;
const MORE_REQUIRED = "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED";

let realm: TestRealm;
beforeAll(async () => {
  realm = await createTestRealm({ users: { alice: "secret", bob: "other" }, services: [SERVICE] });
});
afterAll(() => realm.close());

/** A world with sessions, and the proofs of the calls as they come in. */
async function openSessions(options: WorldOptions = {}) {
  const proofs: { readonly by: "AP-REQ" | "session"; readonly bytes: Buffer }[] = [];
  const headers = (metadata: grpc.Metadata) => {
    const [apReq] = metadata.get(AP_REQ_METADATA) as Buffer[];
    const [call] = metadata.get(CALL_METADATA) as Buffer[];
    if (apReq !== undefined) proofs.push({ by: "AP-REQ", bytes: apReq });
    if (call !== undefined) proofs.push({ by: "session", bytes: call });
  };
  const before = [tamper(() => ({ headers })), ...(options.before ?? [])];
  const world = await openWorld({ realm, ...options, sessions: true, before });
  return {
    world,
    proofs,
    /** How the calls since the last look proved themselves. */
    look: () => proofs.splice(0).map(({ by }) => by),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

/** Makes one call of a kind; gives what came back. */
async function make(client: ChatClient, kind: Kind, texts: readonly string[]): Promise<readonly string[]> {
  if (kind === "say") return [await client.say(texts.join(" "))];
  if (kind === "list") return client.list(texts.join(" "));
  if (kind === "join") return [await client.join(texts)];
  return client.talk(texts);
}
const expected = (kind: Kind) => (kind === "say" || kind === "join" ? ["a b c"] : ["a", "b", "c"]);

/** Ends and starts the service; the client has noticed. */
async function restart(world: World, client: ChatClient): Promise<void> {
  const noticed = new Promise((resolve) => {
    client
      .getChannel()
      .watchConnectivityState(grpc.connectivityState.READY, Number.POSITIVE_INFINITY, resolve);
  });
  await world.restart();
  await noticed;
}

describe.each(PROTECTIONS)("at %s", (protection) => {
  test.each(KINDS)("the first call is answered, and those after it by a session: %s", async (kind) => {
    await using opened = await openSessions({ guard: { protection } });
    const { world, look } = opened;
    const client = world.client({ protection });
    for (let calls = 0; calls < 3; calls++)
      expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
    // Refused for the want of a challenge, and then let in: the application has seen one call.
    expect(look()).toEqual(["AP-REQ", "AP-REQ", "session", "session"]);
    expect(world.log.map(({ result }) => result)).toEqual([MORE_REQUIRED, "OK", "OK", "OK"]);
    expect(world.seen).toHaveLength(3);
    expect(world.seen.every(({ caller }) => caller?.protection === protection)).toBe(true);
  });

  test("all kinds of call go by the session that one of them has made", async () => {
    await using opened = await openSessions({ guard: { protection } });
    const { world, look } = opened;
    const client = world.client({ protection });
    for (const kind of [...KINDS, ...KINDS])
      expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
    expect(look()).toEqual(["AP-REQ", "AP-REQ", ...Array.from({ length: 7 }, () => "session")]);
  });
});

describe("one exchange", () => {
  test("is enough for first calls at the same time, of all kinds", async () => {
    await using opened = await openSessions();
    const { world, look } = opened;
    const client = world.client();
    await Promise.all(
      Array.from({ length: 10 }, () => KINDS.map((kind) => make(client, kind, ["a"]))).flat(),
    );
    expect(look().filter((by) => by === "AP-REQ")).toHaveLength(2);
    expect(world.seen).toHaveLength(40);
  });

  test("is each channel's, each login's and each interceptor's own", async () => {
    await using opened = await openSessions();
    const { world, look } = opened;
    const bob = await realm.login("bob", "other");
    const interceptors = [ticketInterceptor(world.alice, SERVICE)];
    const clients = [
      world.client({ interceptors }),
      world.client({ interceptors }),
      world.client(),
      world.client({ as: bob }),
    ];
    for (const client of clients) {
      await client.say("a");
      expect(look()).toEqual(["AP-REQ", "AP-REQ"]);
      await client.say("b");
      expect(look()).toEqual(["session"]);
    }
    expect(world.seen.map(({ caller }) => caller?.principal.split("@")[0])).toEqual([
      "alice",
      "alice",
      "alice",
      "alice",
      "alice",
      "alice",
      "bob",
      "bob",
    ]);
  });
});

test("with a challenge the client's clock does not count: none is asked for, none is measured", async () => {
  await using opened = await openSessions();
  const { world, look } = opened;
  const host = { off: 0 };
  const alice = realm.client({ clock: () => realm.now + host.off });
  await alice.login(realm.principal("alice"), "secret");
  await alice.serviceTicket(world.service);
  const exchanges = realm.log.length;
  // Since the login somebody has set the clock.
  for (const off of [2 * HOUR, -0.5 * HOUR]) {
    host.off = off;
    const client = world.client({ as: alice });
    expect(await client.say("a")).toBe("a");
    expect(await client.join(["a", "b"])).toBe("a b");
    expect(look()).toEqual(["AP-REQ", "AP-REQ", "session"]);
  }
  expect(realm.log).toHaveLength(exchanges);
});

describe("requests", () => {
  test.each(["say", "join"] as const)("within 1 MiB are kept until the first answer: %s", async (kind) => {
    await using opened = await openSessions();
    const texts =
      kind === "say" ? ["x".repeat(MIB - 100)] : Array.from({ length: 8 }, () => "x".repeat(MIB / 8 - 20));
    const [answer] = await make(opened.world.client(), kind, texts);
    expect(answer).toHaveLength(texts.join(" ").length);
    expect(opened.world.seen).toHaveLength(1);
  });

  test.each(["say", "join"] as const)(
    "beyond it are not, and the application has the refusal: %s",
    async (kind) => {
      await using opened = await openSessions();
      const { world, look } = opened;
      const client = world.client();
      const texts = kind === "say" ? ["x".repeat(MIB)] : Array.from({ length: 9 }, () => "x".repeat(MIB / 8));
      expect(await refusalOf(make(client, kind, texts))).toMatchObject({
        code: "UNAUTHENTICATED",
        reason: MORE_REQUIRED,
        text: expect.stringMatching(
          /^an authenticator is taken here with a challenge alone; call again, once, /,
        ),
      });
      expect(world.seen).toEqual([]);
      look();
      // A small call makes the session, and then the large one is answered.
      await client.say("a");
      expect(await make(client, kind, texts)).toHaveLength(1);
      expect(look()).toEqual(["AP-REQ", "AP-REQ", "session"]);
    },
  );
});

test.each(KINDS)(
  "a call whose connection moves while it is repeated is answered, and runs once: %s",
  async (kind) => {
    const keys = await realm.keys(SERVICE);
    const others: grpc.ServerInterceptor[] = [];
    // Another process takes one attempt, and the next ones come here.
    const moved: grpc.ServerInterceptor = (method, call) =>
      others.shift()?.(method, call) ?? new grpc.ServerInterceptingCall(call);
    await using opened = await openSessions({ before: [moved] });
    const { world, look } = opened;
    const client = world.client();
    for (const begun of [["AP-REQ"], ["session"]]) {
      others.push(guard({ keytab: () => keys, clock: () => realm.now }));
      expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
      expect(look()).toEqual([...begun, "AP-REQ", "AP-REQ"]);
    }
    expect(world.seen).toHaveLength(2);
  },
);

test("a third refusal in a row is the application's, and says what may be the matter", async () => {
  // Each call reaches another process of the service: what one gives out, the next does not know.
  const keys = await realm.keys(SERVICE);
  const next: grpc.ServerInterceptor = (method, call) =>
    guard({ keytab: () => keys, clock: () => realm.now })(method, call);
  await using opened = await openSessions({ before: [next] });
  const refusal = await refusalOf(opened.world.client().say("a"));
  expect(refusal).toMatchObject({ code: "UNAUTHENTICATED", reason: MORE_REQUIRED });
  expect(refusal.text).toMatch(/^the challenge is another process's, or too old; /);
  expect(refusal.text).toMatch(
    /several instances answer to one name and need a replay cache that they share$/,
  );
  expect(opened.look()).toEqual(["AP-REQ", "AP-REQ", "AP-REQ"]);
  expect(opened.world.seen).toEqual([]);
});

describe("a session that the service does not hold any more", () => {
  test.each(KINDS)("for it was started anew: the next call is answered: %s", async (kind) => {
    await using opened = await openSessions();
    const { world, look } = opened;
    const client = world.client();
    await client.say("a");
    await restart(world, client);
    look();
    expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
    expect(look()).toEqual(["session", "AP-REQ"]);
    await client.say("a");
    expect(look()).toEqual(["session"]);
    expect(world.seen).toHaveLength(3);
  });

  test.each(KINDS)("for it needed the room: the next call is answered: %s", async (kind) => {
    await using opened = await openSessions({ guard: { sessions: { share: 1 } } });
    const { world, look } = opened;
    const [client, displacing] = [world.client(), world.client()];
    await client.say("a");
    await displacing.say("b");
    look();
    expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
    expect(look()).toEqual(["session", "AP-REQ"]);
  });

  test("costs each of many calls at once one more, and all are answered once", async () => {
    await using opened = await openSessions();
    const { world } = opened;
    const client = world.client();
    await client.say("a");
    await restart(world, client);
    const texts = Array.from({ length: 20 }, (_, at) => String(at));
    expect(await Promise.all(texts.map((text) => client.say(text)))).toEqual(texts);
    expect(world.seen).toHaveLength(21);
  });
});

test.each(KINDS)("a call that its service breaks off ends in UNAVAILABLE, once: %s", async (kind) => {
  let begun!: () => void;
  const running = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const waits = () => begun();
  const handlers: Partial<ChatHandlers> = { list: waits, join: waits, talk: waits };
  const say: ChatHandlers["say"] = (call, answer) => {
    if (call.request.text === "first") answer(null, call.request);
    else begun();
  };
  await using opened = await openSessions({ handlers: { ...handlers, say } });
  const { world, look } = opened;
  const client = world.client();
  await client.say("first");
  const made = refusalOf(make(client, kind, ["a"]));
  await running;
  // grpc-js resets the streams that are open, with CANCEL.
  await world.restart();
  expect(await made).toEqual({
    code: "UNAVAILABLE",
    reason: undefined,
    text: "the call was broken off without an answer, and may have run; unproven: CANCELLED: Call cancelled",
    details: {},
  });
  expect(look()).toEqual(["AP-REQ", "AP-REQ", "session"]);
});

describe("a session ends", () => {
  /** A world whose service and client go by one monotonic clock. */
  async function openClocked(life: number) {
    const clock = { now: 1_000_000 };
    const uptime = () => clock.now;
    const opened = await openSessions({ guard: { uptime, sessions: { life } } });
    return { ...opened, clock, client: opened.world.client({ uptime }) };
  }

  test("for the client five seconds before its life does", async () => {
    await using opened = await openClocked(600_000);
    const { client, clock, look } = opened;
    await client.say("a");
    clock.now += 594_999;
    look();
    await client.say("b");
    expect(look()).toEqual(["session"]);
    clock.now += 1;
    await client.say("c");
    expect(look()).toEqual(["AP-REQ", "AP-REQ"]);
    await client.say("d");
    expect(look()).toEqual(["session"]);
  });

  test("with its ticket, which the client leaves before the service does", async () => {
    await using opened = await openSessions();
    const { world, look } = opened;
    const first = forge(world, { endtime: realm.now + 60_000 });
    const second = forge(world);
    let off = 0;
    const tickets: TicketSource = {
      serviceProof: async () => ({ credentials: off === 0 ? first : second, clock: () => realm.now + off }),
    };
    const client = world.client({ interceptors: [ticketInterceptor(tickets, SERVICE)] });
    await client.say("a");
    await client.say("b");
    expect(look()).toEqual(["AP-REQ", "AP-REQ", "session"]);
    off = 60_000;
    await client.say("c");
    expect(look()).toEqual(["AP-REQ", "AP-REQ"]);
  });

  test("with the login: after it nothing goes out", async () => {
    await using opened = await openSessions();
    const { world, look } = opened;
    const alice = await realm.login("alice", "secret");
    const client = world.client({ as: alice });
    await client.say("a");
    look();
    await alice.logout();
    expect(await refusalOf(client.say("b"))).toMatchObject({ text: expect.stringContaining("log in") });
    expect(look()).toEqual([]);
  });

  test("with the login: another, or the same made anew, has its own", async () => {
    await using opened = await openSessions();
    const { world, look } = opened;
    const who = await realm.login("alice", "secret");
    const client = world.client({ as: who });
    await client.say("a");
    for (const [name, password] of [
      ["bob", "other"],
      ["alice", "secret"],
      ["alice", "secret"],
    ] as const) {
      look();
      await who.login(realm.principal(name), password);
      await client.say("b");
      expect(look()).toEqual(["AP-REQ", "AP-REQ"]);
      expect(world.seen.at(-1)?.caller?.principal).toBe(realm.principal(name));
      await client.say("c");
      expect(look()).toEqual(["session"]);
    }
  });
});

describe("one shot go", () => {
  test("the calls of a client that wants no sessions, each with its challenge", async () => {
    await using opened = await openSessions();
    const { world, look } = opened;
    const client = world.client({ sessions: false });
    for (const kind of KINDS) expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
    expect(look()).toEqual(Array.from({ length: 8 }, () => "AP-REQ"));
  });

  test("those of a ticket whose encryption type is weak", async () => {
    await using opened = await openSessions({ guard: { permittedEtypes: [20, 3] } });
    const { world, look } = opened;
    const credentials = forge(world, { sessionKey: randomKey(etypeOf(3)) });
    const tickets: TicketSource = { serviceProof: async () => ({ credentials, clock: () => realm.now }) };
    const client = world.client({ interceptors: [ticketInterceptor(tickets, SERVICE)] });
    for (const kind of KINDS) expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
    expect(look()).toEqual(Array.from({ length: 8 }, () => "AP-REQ"));
  });

  test("those of a service with a replay cache, which offers no sessions", async () => {
    const proofs: string[] = [];
    const headers = (metadata: grpc.Metadata) =>
      void proofs.push(...Object.keys(metadata.getMap()).filter((key) => key.startsWith("kerberos-")));
    await using world = await openWorld({ realm, before: [tamper(() => ({ headers }))] });
    const client = world.client();
    for (const kind of KINDS) expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
    expect(proofs).toEqual(Array.from({ length: 4 }, () => AP_REQ_METADATA));
  });
});

function serviceConfig(policy: object): grpc.ChannelOptions {
  return { "grpc.service_config": JSON.stringify({ methodConfig: [{ name: [{}], ...policy }] }) };
}

describe("under a session each attempt has a number of its own, and its requests open:", () => {
  const RETRY = serviceConfig({
    retryPolicy: {
      maxAttempts: 3,
      initialBackoff: "0.001s",
      maxBackoff: "0.001s",
      backoffMultiplier: 1,
      retryableStatusCodes: ["UNAVAILABLE"],
    },
  });
  const unavailable = { code: grpc.status.UNAVAILABLE, details: "not now" };

  /** Handlers that fail so often, after the guard let the call in, and then answer. */
  function failing() {
    const left = { failures: 0 };
    const fails = () => left.failures-- > 0;
    const handlers: Partial<ChatHandlers> = {
      say: (call, callback) => (fails() ? callback(unavailable) : callback(null, call.request)),
      list: (call) => {
        if (fails()) return void call.emit("error", unavailable);
        for (const text of call.request.text.split(" ")) call.write({ text });
        call.end();
      },
      join: (call, callback) => {
        const texts: string[] = [];
        call.on("data", ({ text }) => texts.push(text));
        call.on("end", () => (fails() ? callback(unavailable) : callback(null, { text: texts.join(" ") })));
      },
      talk: (call) => {
        if (fails()) return void call.emit("error", unavailable);
        call.on("data", (line) => call.write(line));
        call.on("end", () => call.end());
      },
    };
    return { left, handlers };
  }

  describe.each(PROTECTIONS)("at %s", (protection) => {
    test.each(KINDS)("a retried %s", async (kind) => {
      const { left, handlers } = failing();
      await using opened = await openSessions({ handlers, guard: { protection } });
      const { world, proofs, look } = opened;
      const client = world.client({ protection, channelOptions: RETRY });
      await client.say("a");
      look();
      left.failures = 2;
      expect(await make(client, kind, ["a", "b", "c"])).toEqual(expected(kind));
      const read = proofs.map(({ bytes }) => readSessionCall(bytes));
      expect(read.map(({ number }) => number)).toEqual([1, 2, 3]);
      expect(read.map(({ call }) => call)).toEqual([1, 1, 1]);
      expect(world.seen).toHaveLength(4);
    });

    test("a hedged call, and one answer counts", async () => {
      const waiting: (() => void)[] = [];
      await using opened = await openSessions({
        guard: { protection },
        handlers: {
          // The second attempt answers first, then the first one.
          say: (call, callback) => {
            if (call.request.text === "a") return callback(null, call.request);
            waiting.unshift(() => callback(null, call.request));
            if (waiting.length === 2) for (const answer of waiting) answer();
          },
        },
      });
      const { world, proofs } = opened;
      const policy = serviceConfig({ hedgingPolicy: { maxAttempts: 2, hedgingDelay: "0s" } });
      const interceptors = [ticketInterceptor(world.alice, SERVICE, { protection })];
      const client = world.client({ interceptors, channelOptions: policy });
      await client.say("a");
      expect(await client.say("b")).toBe("b");
      const numbers = proofs
        .filter(({ by }) => by === "session")
        .map(({ bytes }) => readSessionCall(bytes).number);
      expect(numbers).toEqual([1, 2]);
    });
  });

  test("a first call that is retried makes one session, of the attempt that is answered", async () => {
    const { left, handlers } = failing();
    await using opened = await openSessions({ handlers });
    const { world, look } = opened;
    const client = world.client({ channelOptions: RETRY });
    left.failures = 2;
    expect(await client.say("a")).toBe("a");
    expect(look().filter((by) => by === "session")).toEqual([]);
    expect(await client.say("b")).toBe("b");
    expect(look()).toEqual(["session"]);
  });
});
