import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { type TicketSource, ticketInterceptor } from "../../../src/client/index.js";
import { PROTECTIONS } from "../../../src/protocol/call-binding.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import type { GuardOptions } from "../../../src/services/guard/config.js";
import type { ChatHandlers } from "../../services/guard/chat.js";
import { forge, rawSay, refusalOf } from "../../services/guard/proof.js";
import { type Tampering, tamper } from "../../services/guard/tamper.js";
import { openWorld, SERVICE, type World } from "../../services/guard/world.js";

const MUTUAL_FAILURE = { code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_MUT_FAIL" };
const unavailable = { code: grpc.status.UNAVAILABLE, details: "not now" };

function serviceConfig(policy: object): grpc.ChannelOptions {
  return { "grpc.service_config": JSON.stringify({ methodConfig: [{ name: [{}], ...policy }] }) };
}

const RETRY = serviceConfig({
  retryPolicy: {
    maxAttempts: 3,
    initialBackoff: "0.001s",
    maxBackoff: "0.001s",
    backoffMultiplier: 1,
    retryableStatusCodes: ["UNAVAILABLE"],
  },
});

/** Handlers that fail twice, after the guard let the call in, and then answer. */
function failingTwice(): Partial<ChatHandlers> {
  let failures = 2;
  const failing = () => failures-- > 0;
  return {
    say: (call, callback) => (failing() ? callback(unavailable) : callback(null, call.request)),
    list: (call) => {
      if (failing()) return void call.emit("error", unavailable);
      call.write(call.request);
      call.end();
    },
    join: (call, callback) => {
      const texts: string[] = [];
      call.on("data", ({ text }) => texts.push(text));
      call.on("end", () => (failing() ? callback(unavailable) : callback(null, { text: texts.join(" ") })));
    },
    talk: (call) => {
      if (failing()) return void call.emit("error", unavailable);
      call.on("data", (line) => call.write(line));
      call.on("end", () => call.end());
    },
  };
}

describe("a retried call", () => {
  describe.each(PROTECTIONS)("at protection %s", (protection) => {
    test.each(["say", "list", "join", "talk"] as const)(
      "%s succeeds, each attempt with a fresh authenticator",
      async (name) => {
        const proofs: string[] = [];
        const headers = (metadata: grpc.Metadata) => {
          proofs.push((metadata.get(AP_REQ_METADATA)[0] as Buffer).toString("hex"));
        };
        await using world = await openWorld({
          handlers: failingTwice(),
          before: [tamper(() => ({ headers }))],
          guard: { protection },
        });
        const client = world.client({ protection, channelOptions: RETRY });
        if (name === "say") expect(await client.say("a")).toBe("a");
        if (name === "list") expect(await client.list("a")).toEqual(["a"]);
        if (name === "join") expect(await client.join(["a", "b"])).toBe("a b");
        if (name === "talk") expect(await client.talk(["a", "b"])).toEqual(["a", "b"]);
        expect(new Set(proofs).size).toBe(3);
        expect(world.seen).toHaveLength(3);
      },
    );
  });

  test("is what a header put on above retries is not: that is a replay", async () => {
    let proof: Buffer;
    const headers = (metadata: grpc.Metadata) => {
      proof ??= metadata.get(AP_REQ_METADATA)[0] as Buffer;
    };
    await using world = await openWorld({ handlers: failingTwice(), before: [tamper(() => ({ headers }))] });
    expect(
      await refusalOf(world.client({ channelOptions: { "grpc.enable_retries": 0 } }).say("hello")),
    ).toMatchObject({
      code: "UNAVAILABLE",
    });
    expect(await refusalOf(rawSay(world, [proof!]))).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_REPEAT",
    });
    expect(world.seen).toHaveLength(1);
  });

  test("that is hedged carries two authenticators, and one answer counts", async () => {
    const waiting: (() => void)[] = [];
    await using world = await openWorld({
      handlers: {
        // The second attempt answers first, then the first one.
        say: (call, callback) => {
          waiting.unshift(() => callback(null, call.request));
          if (waiting.length === 2) for (const answer of waiting) answer();
        },
      },
    });
    const hedging = serviceConfig({ hedgingPolicy: { maxAttempts: 2, hedgingDelay: "0s" } });
    expect(await world.client({ channelOptions: hedging }).say("a")).toBe("a");
    expect(world.seen).toHaveLength(2);
  });
});

describe("a service that does not prove itself is refused", () => {
  const earlier: Buffer[] = [];
  const rows: { what: string; metadata: (metadata: grpc.Metadata) => void }[] = [
    { what: "a stripped AP-REP", metadata: (metadata) => metadata.remove(AP_REP_METADATA) },
    {
      what: "an AP-REP of another call",
      metadata: (metadata) => {
        earlier.push(metadata.get(AP_REP_METADATA)[0] as Buffer);
        metadata.set(AP_REP_METADATA, earlier[0]!);
      },
    },
    {
      what: "an AP-REP that is garbage",
      metadata: (metadata) => metadata.set(AP_REP_METADATA, Buffer.from("x")),
    },
    { what: "an empty AP-REP", metadata: (metadata) => metadata.set(AP_REP_METADATA, Buffer.alloc(0)) },
    {
      what: "two AP-REPs",
      metadata: (metadata) => metadata.add(AP_REP_METADATA, metadata.get(AP_REP_METADATA)[0]!),
    },
  ];

  describe.each(rows)("with $what", ({ metadata }) => {
    test.each(PROTECTIONS)("in all kinds of call at protection %s", async (protection) => {
      earlier.length = 0;
      let tampering: Tampering = {
        metadata: (headers) => void earlier.push(...(headers.get(AP_REP_METADATA) as Buffer[])),
      };
      await using world = await openWorld({ before: [tamper(() => tampering)], guard: { protection } });
      const client = world.client({ protection });
      await client.say("a");
      tampering = { metadata };
      const received: string[] = [];
      expect(await refusalOf(client.say("a"))).toMatchObject(MUTUAL_FAILURE);
      expect(await refusalOf(client.list("a", {}, (text) => received.push(text)))).toMatchObject(
        MUTUAL_FAILURE,
      );
      expect(await refusalOf(client.join(["a"]))).toMatchObject(MUTUAL_FAILURE);
      expect(await refusalOf(client.talk(["a"]))).toMatchObject(MUTUAL_FAILURE);
      expect(received).toEqual([]);
    });
  });

  test("without a guard", async () => {
    await using world = await openWorld({ guard: { public: ["*"] } });
    const client = world.client();
    expect(await refusalOf(client.say("a"))).toMatchObject(MUTUAL_FAILURE);
    expect(await refusalOf(client.list(""))).toMatchObject(MUTUAL_FAILURE);
  });

  test("but what it refuses is passed on", async () => {
    const details = "no such line";
    await using world = await openWorld({
      handlers: { say: (_, callback) => callback({ code: grpc.status.NOT_FOUND, details }) },
    });
    expect(await refusalOf(world.client().say("a"))).toMatchObject({ code: "NOT_FOUND", text: details });
  });
});

describe("a channel", () => {
  const elsewhere = { address: "api.example.test:443" };

  test("in plaintext to another machine is refused, with the reason and the ways out", async () => {
    await using world = await openWorld();
    const refusal = await refusalOf(world.client(elsewhere).say("a"));
    expect(refusal.code).toBe("FAILED_PRECONDITION");
    expect(refusal.text).toMatch(/api\.example\.test:443 is plaintext.*TLS.*allowInsecureChannel/);
  });

  test.each(["dns:///127.0.0.1", "ipv4:127.0.0.1", "localhost"])("to %s is this machine's", async (host) => {
    await using world = await openWorld();
    const address = `${host}:${world.address.split(":")[1]}`;
    expect(await world.client({ address }).say("a")).toBe("a");
  });

  test.each(["ipv4:127.0.0.1:1,192.0.2.1:1", "dns:127.0.0.1.example.test:1", "ipv6:[2001:db8::1]:1"])(
    "to %s is not this machine's",
    async (address) => {
      await using world = await openWorld();
      expect(await refusalOf(world.client({ address }).say("a"))).toMatchObject({
        code: "FAILED_PRECONDITION",
      });
    },
  );

  test("in plaintext is used where that is insisted on", async () => {
    await using world = await openWorld();
    const client = world.client({ ...elsewhere, allowInsecureChannel: true });
    // Nobody has that name: what matters is that the call went to look for it.
    expect(await refusalOf(client.say("a", { deadline: Date.now() + 3_000 }))).not.toMatchObject({
      code: "FAILED_PRECONDITION",
    });
  });

  test("with TLS, and with a client certificate that the caller is bound to", async () => {
    const dir = mkdtempSync(join(tmpdir(), "guard-tls-"));
    try {
      for (const name of ["server", "alice", "eve"]) certificate(dir, name);
      const pem = (name: string) => readFileSync(join(dir, name));
      const roots = Buffer.concat([pem("alice.crt"), pem("eve.crt")]);
      const pair = { private_key: pem("server.key"), cert_chain: pem("server.crt") };
      const server = (mutual: boolean) => grpc.ServerCredentials.createSsl(roots, [pair], mutual);
      const withCertificate = (name: string) =>
        grpc.credentials.createSsl(pem("server.crt"), pem(`${name}.key`), pem(`${name}.crt`));
      const withoutCertificate = grpc.credentials.createSsl(pem("server.crt"));
      const channelOptions = { "grpc.ssl_target_name_override": "localhost" };
      await using plain = await openWorld({ credentials: server(false), channel: withoutCertificate });
      expect(await plain.client({ channelOptions }).say("a")).toBe("a");

      const bindClientCertificate: GuardOptions["bindClientCertificate"] = (principal, { subject }) =>
        principal.startsWith(`${subject.CN}@`);
      const open = (mutual: boolean, channel: grpc.ChannelCredentials) =>
        openWorld({
          realm: plain.realm,
          credentials: server(mutual),
          channel,
          guard: { bindClientCertificate },
        });
      await using alice = await open(true, withCertificate("alice"));
      expect(await alice.client({ channelOptions }).say("a")).toBe("a");
      await using eve = await open(true, withCertificate("eve"));
      await using nobody = await open(false, withoutCertificate);
      for (const world of [eve, nobody]) {
        expect(await refusalOf(world.client({ channelOptions }).say("a"))).toMatchObject({
          code: "UNAUTHENTICATED",
          reason: "KRB_AP_ERR_BADMATCH",
          details: { compared: "certificate" },
        });
        expect(world.seen).toEqual([]);
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe("tickets", () => {
  test("are asked for once, however many calls wait", async () => {
    await using world = await openWorld();
    const client = world.client();
    await Promise.all(Array.from({ length: 50 }, () => client.say("a")));
    expect(world.realm.log.filter(({ exchange }) => exchange === "TGS")).toHaveLength(1);
    expect(world.seen).toHaveLength(50);
  });

  test("of a renewable login are renewed for as long as it may be", async () => {
    await using world = await openWorld();
    const { realm } = world;
    const carol = realm.client();
    await realm.addUser("carol", "third");
    await carol.login(realm.principal("carol"), "third", { renewableLife: 7 * 86_400_000 });
    const client = world.client({ as: carol });
    for (let hours = 0; hours < 30; hours++) {
      expect(await client.say("a")).toBe("a");
      realm.advance("1h");
    }
  });

  test("end with a login that is not renewable", async () => {
    await using world = await openWorld();
    const client = world.client();
    await client.say("a");
    world.realm.advance("11h");
    expect(await refusalOf(client.say("a"))).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_TKT_EXPIRED",
      text: expect.stringContaining("log in"),
    });
  });

  test("of a host whose clock is an hour wrong are good: the login learned the KDC's offset", async () => {
    await using world = await openWorld();
    const { realm } = world;
    const wrong = await realm.login("bob", "other", { clock: () => realm.now - 3_600_000 });
    expect(await world.client({ as: wrong }).say("a")).toBe("a");
  });

  test("that the KDC refuses end the call with its refusal", async () => {
    await using world = await openWorld();
    const client = world.client({ service: "nobody/api.example.test" });
    expect(await refusalOf(client.say("a"))).toMatchObject({
      code: "NOT_FOUND",
      reason: "KDC_ERR_S_PRINCIPAL_UNKNOWN",
    });
  });

  test("too large for metadata are refused before anything goes out", async () => {
    await using world = await openWorld({ guard: { authorizationData: [1] } });
    const authorizationData = [{ type: 1, data: new Uint8Array(4096) }];
    const tickets = sourceOf(world, authorizationData);
    const client = world.client({ interceptors: [ticketInterceptor(tickets, SERVICE)] });
    expect(await refusalOf(client.say("a"))).toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "KRB_ERR_FIELD_TOOLONG",
      details: { limit: "4096" },
    });
    expect(world.log).toEqual([]);
  });

  test("with much in them travel as long as there is room", async () => {
    await using world = await openWorld({ guard: { authorizationData: [1] } });
    const tickets = sourceOf(world, [{ type: 1, data: new Uint8Array(3_000) }]);
    const client = world.client({
      interceptors: [ticketInterceptor(tickets, SERVICE, { protection: "privacy" })],
    });
    expect(await client.say("a")).toBe("a");
  });
});

function sourceOf(world: World, authorizationData: { type: number; data: Uint8Array }[]): TicketSource {
  const credentials = forge(world, { authorizationData });
  return { serviceProof: async () => ({ credentials, clock: () => world.realm.now }) };
}

describe("a call that ends while it waits for its ticket", () => {
  const waiting: TicketSource = { serviceProof: () => new Promise(() => {}) };
  const kinds = ["say", "list", "join", "talk"] as const;

  function call(world: World, name: (typeof kinds)[number], options: grpc.CallOptions): Promise<unknown> {
    const client = world.client({ interceptors: [ticketInterceptor(waiting, SERVICE)] });
    if (name === "say" || name === "list") return client[name]("a", options);
    return client[name](["a"], options);
  }

  test.each(kinds)("%s, by its deadline", async (name) => {
    await using world = await openWorld();
    expect(await refusalOf(call(world, name, { deadline: Date.now() + 20 }))).toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
    expect(await refusalOf(call(world, name, { deadline: Date.now() - 1 }))).toMatchObject({
      code: "DEADLINE_EXCEEDED",
    });
  });

  test("by the application", async () => {
    await using world = await openWorld();
    const client = world.client({ interceptors: [ticketInterceptor(waiting, SERVICE)] });
    const sent = new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        "/chat.v1.Chat/Say",
        (bytes: Buffer) => bytes,
        (bytes) => bytes,
        Buffer.from("{}"),
        (error) => (error ? reject(error) : resolve(undefined)),
      );
      call.cancel();
    });
    expect(await refusalOf(sent)).toMatchObject({ code: "CANCELLED" });
  });
});

test("a cancelled call is cancelled at the handler", async () => {
  let cancelled: () => void;
  const noticed = new Promise<void>((resolve) => {
    cancelled = resolve;
  });
  let reached: () => void;
  const started = new Promise<void>((resolve) => {
    reached = resolve;
  });
  await using world = await openWorld({
    handlers: {
      talk: (call) => {
        call.on("cancelled", () => cancelled());
        call.on("data", () => reached());
      },
    },
  });
  const call = world.client().makeBidiStreamRequest(
    "/chat.v1.Chat/Talk",
    (text: string) => Buffer.from(JSON.stringify({ text })),
    (bytes) => bytes,
  );
  call.on("error", () => {});
  call.write("a");
  await started;
  call.cancel();
  await noticed;
});

test("deadlines reach the handler", async () => {
  let deadline: grpc.Deadline = 0;
  await using world = await openWorld({
    handlers: {
      say: (call, callback) => {
        deadline = call.getDeadline();
        callback(null, call.request);
      },
    },
  });
  const asked = Date.now() + 7_000;
  await world.client().say("a", { deadline: asked });
  expect(Math.abs(Number(deadline) - asked)).toBeLessThan(1_000);
});

test("call credentials of the application's own travel too, and so does its metadata", async () => {
  const received: unknown[] = [];
  await using world = await openWorld({
    handlers: {
      say: (call, callback) => {
        received.push(...call.metadata.get("authorization"), ...call.metadata.get("x-mine"));
        callback(null, call.request);
      },
    },
  });
  const credentials = grpc.credentials.createFromMetadataGenerator((_, callback) => {
    const metadata = new grpc.Metadata();
    metadata.set("authorization", "Bearer x");
    callback(null, metadata);
  });
  const metadata = new grpc.Metadata();
  metadata.set("x-mine", "y");
  metadata.set(AP_REQ_METADATA, Buffer.from("not mine to set"));
  await world.client().say("a", { credentials }, metadata);
  expect(received).toEqual(["Bearer x", "y"]);
});

test("interceptors before it see messages as the application does, and no AP-REP", async () => {
  const seen: unknown[] = [];
  const look: grpc.Interceptor = (options, nextCall) =>
    new grpc.InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveMetadata: (headers, pass) => {
            seen.push(headers.get(AP_REP_METADATA));
            pass(headers);
          },
          onReceiveMessage: (message, pass) => {
            seen.push(message);
            pass(message);
          },
        }),
      sendMessage: (message, next) => {
        seen.push(message);
        next(message);
      },
    });
  await using world = await openWorld();
  const ticket = ticketInterceptor(world.alice, SERVICE, { protection: "privacy" });
  await world.client({ interceptors: [look, ticket] }).say("a");
  expect(seen).toEqual([{ text: "a" }, [], { text: "a" }]);
});

test("a request that can't be encoded, or a response decoded, ends the call with INTERNAL", async () => {
  await using world = await openWorld();
  const say = (serialize: (value: string) => Buffer, deserialize: (bytes: Buffer) => string) =>
    new Promise((resolve, reject) => {
      world
        .client()
        .makeUnaryRequest("/chat.v1.Chat/Say", serialize, deserialize, "a", (error, value) =>
          error ? reject(error) : resolve(value),
        );
    });
  const fail = () => {
    throw new Error("broken");
  };
  const encode = () => Buffer.from('{"text":"a"}');
  expect(await refusalOf(say(fail, String))).toMatchObject({ code: "INTERNAL" });
  expect(await refusalOf(say(encode, fail))).toMatchObject({ code: "INTERNAL" });
  expect(await say(encode, String)).toBe('{"text":"a"}');
});

function certificate(dir: string, name: string): void {
  execFileSync(
    "openssl",
    [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
      ...["-keyout", join(dir, `${name}.key`), "-out", join(dir, `${name}.crt`)],
      ...["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost"],
    ],
    { stdio: "ignore" },
  );
}

describe("a channel that is closed while a call waits for its ticket", () => {
  test.each(["say", "list"] as const)("%s ends with UNAVAILABLE, once", async (kind) => {
    await using world = await openWorld();
    let give = () => {};
    const asked = new Promise<void>((told) => {
      give = told;
    });
    const tickets: TicketSource = {
      serviceProof: async (service) => {
        await asked;
        return world.alice.serviceProof(service);
      },
    };
    const statuses: grpc.StatusObject[] = [];
    const watch: grpc.Interceptor = (options, nextCall) =>
      new grpc.InterceptingCall(nextCall(options), {
        start: (metadata, _listener, next) =>
          next(metadata, {
            onReceiveStatus: (status, tell) => {
              statuses.push(status);
              tell(status);
            },
          }),
      });
    const client = world.client({ interceptors: [watch, ticketInterceptor(tickets, SERVICE)] });
    const outcome = refusalOf(client[kind]("a"));
    client.close();
    give();
    expect(await outcome).toMatchObject({ code: "UNAVAILABLE" });
    expect(statuses.map(({ code }) => code)).toEqual([grpc.status.UNAVAILABLE]);
    expect(world.seen).toEqual([]);
  });
});
