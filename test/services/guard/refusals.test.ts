import { create, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../../src/crypto/hash.js";
import { HealthClient } from "../../../src/gen/grpc/health/v1/health_grpc.js";
import { EncryptedDataSchema, type EncryptionKey } from "../../../src/gen/kerberos/v1/encryption_pb.js";
import { ProtectionLevel } from "../../../src/gen/kerberos/v1/guard_pb.js";
import {
  AuthenticatorSchema,
  type EncTicketPart,
  type Ticket,
  TicketFlag,
  TicketSchema,
} from "../../../src/gen/kerberos/v1/sealed_pb.js";
import { callBinding } from "../../../src/protocol/call-binding.js";
import { toEncryptionKey } from "../../../src/protocol/encryption-key.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { toTimestamp } from "../../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../../src/protocol/key-usage.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { seal, sealToBytes, unseal } from "../../../src/protocol/sealed-part.js";
import { decodeBlob } from "../../../src/protocol/strict-decode.js";
import { boundHost } from "../../../src/rpc/authority.js";
import { AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import { HealthService } from "../../../src/services/health.js";
import { addReflection } from "../../../src/services/reflection.js";
import { CHAT, type Line } from "./chat.js";
import { alterProof, forge, makeProof, REQUEST, rawSay, refusalOf } from "./proof.js";
import { openWorld, type World } from "./world.js";

const MINUTE = 60_000;

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(() => {
  expect(world.seen).toEqual([]); // nothing here reaches a handler
});

/** An authenticator made by hand, in an otherwise good AP-REQ. */
async function withAuthenticator(
  change: (part: {
    client: string;
    ctime?: unknown;
    nonce: Uint8Array;
    checksum: { type: number; checksum: Uint8Array };
    subkey?: EncryptionKey;
    seqNumber?: number;
  }) => void,
): Promise<Buffer> {
  const credentials = await world.alice.serviceTicket(world.service);
  const facts = {
    method: CHAT.say.path,
    authority: boundHost(world.address),
    protection: "authenticate" as const,
    requestSha256: sha256(REQUEST),
  };
  const part = {
    client: credentials.client as string,
    ctime: toTimestamp(world.realm.now),
    nonce: crypto.getRandomValues(new Uint8Array(16)),
    checksum: {
      type: 20,
      checksum: credentials.key.cipher.checksum(KeyUsage.AP_REQ_CHECKSUM, callBinding(facts)),
    },
  };
  change(part);
  const sealing = { key: credentials.key, usage: KeyUsage.AP_REQ_AUTHENTICATOR };
  const authenticator = sealToBytes(sealing, "authenticator", create(AuthenticatorSchema, part));
  return alterProof(await makeProof(world), (message) => {
    message.authenticator = authenticator;
  });
}

/** A good AP-REQ with a change beneath the seal of its ticket, as only the service's key can make it. */
async function withSealedTicket(change: (part: EncTicketPart) => void): Promise<Buffer> {
  const { key, kvno } = world.keys.keys[0]!;
  const sealing = { key, kvno, usage: KeyUsage.TICKET };
  return withTicket((ticket) => {
    const part = unseal(sealing, "encTicketPart", ticket.encPart!, () => {
      throw new Error("the ticket does not open");
    });
    change(part);
    ticket.encPart = seal(sealing, "encTicketPart", part);
  });
}

/** A good AP-REQ with a change in the part of its ticket that is in clear. */
async function withTicket(change: (ticket: Ticket) => void) {
  return alterProof(await makeProof(world), (message) => {
    const ticket = decodeBlob(TicketSchema, message.ticket, "ticket");
    change(ticket);
    message.ticket = toBinary(TicketSchema, ticket);
  });
}

interface Row {
  readonly what: string;
  readonly values: () => Promise<readonly Buffer[]>;
  readonly code: string;
  readonly reason: string;
  readonly details?: Readonly<Record<string, string>>;
}

const one = (make: () => Promise<Buffer>) => async () => [await make()];

const rows: readonly Row[] = [
  { what: "no AP-REQ", values: async () => [], code: "UNAUTHENTICATED", reason: "KDC_ERR_PREAUTH_REQUIRED" },
  {
    what: "garbage",
    values: async () => [Buffer.from("hello")],
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "ap_req" },
  },
  {
    what: "an empty value",
    values: async () => [Buffer.alloc(0)],
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "ap_req" },
  },
  {
    what: "two AP-REQs",
    values: async () => [await makeProof(world), await makeProof(world)],
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: AP_REQ_METADATA, values: "2" },
  },
  {
    what: "metadata too large",
    values: async () => [Buffer.alloc(4097)],
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_FIELD_TOOLONG",
    details: { length: "4097", limit: "4096" },
  },
  {
    what: "no level of protection",
    values: one(async () =>
      alterProof(await makeProof(world), (message) => {
        message.protection = ProtectionLevel.UNSPECIFIED;
      }),
    ),
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "ap_req.protection" },
  },
  {
    what: "another level than the authenticator was made for",
    values: one(async () =>
      alterProof(await makeProof(world, { protection: "privacy" }), (message) => {
        message.protection = ProtectionLevel.AUTHENTICATE;
      }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "checksum" },
  },
  {
    what: "an AP-REQ for another service",
    values: one(async () =>
      makeProof(world, { credentials: await world.alice.serviceTicket(world.realm.v.principal) }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_NOT_US",
    details: { server: "chat/api.example.test@TEST.EXAMPLE", ticket_server: "v/localhost@TEST.EXAMPLE" },
  },
  {
    what: "a ticket that names a service of another realm",
    values: one(() =>
      withTicket((ticket) => {
        ticket.server = ticket.server.replace("@TEST.EXAMPLE", "@ELSEWHERE.EXAMPLE");
      }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_NOT_US",
    details: {
      server: "chat/api.example.test@TEST.EXAMPLE",
      ticket_server: "chat/api.example.test@ELSEWHERE.EXAMPLE",
    },
  },
  {
    what: "an AP-REQ for another method",
    values: one(() => makeProof(world, { method: CHAT.list.path })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "checksum" },
  },
  {
    what: "an AP-REQ for another body",
    values: one(() =>
      makeProof(world, { requestSha256: sha256(CHAT.say.requestSerialize({ text: "hallo" })) }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "checksum" },
  },
  {
    what: "an AP-REQ for another authority",
    values: one(() => makeProof(world, { authority: "other.example.test" })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "checksum" },
  },
  {
    what: "an AP-REQ for an authority with its port",
    values: one(() => makeProof(world, { authority: world.address })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "checksum" },
  },
  {
    what: "an AP-REQ for a stream",
    values: one(() => makeProof(world, { requestSha256: undefined })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "checksum" },
  },
  {
    what: "an expired ticket",
    values: one(() => {
      const ended = world.realm.now - 5 * MINUTE - 1;
      return makeProof(world, { credentials: forge(world, { starttime: ended - 1, endtime: ended }) });
    }),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_TKT_EXPIRED",
  },
  {
    what: "a ticket not yet valid",
    values: one(() =>
      makeProof(world, { credentials: forge(world, { starttime: world.realm.now + 6 * MINUTE }) }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_TKT_NYV",
  },
  {
    what: "a ticket marked invalid",
    values: one(() => makeProof(world, { credentials: forge(world, { flags: [TicketFlag.INVALID] }) })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_TKT_NYV",
  },
  {
    what: "a clock behind",
    values: one(() => makeProof(world, { now: world.realm.now - 5 * MINUTE - 1 })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_SKEW",
    details: { offset_ms: "-300001", limit_ms: "300000", side: "client is behind" },
  },
  {
    what: "a clock ahead",
    values: one(() => makeProof(world, { now: world.realm.now + 5 * MINUTE + 1 })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_SKEW",
    details: { offset_ms: "300001", limit_ms: "300000", side: "client is ahead" },
  },
  {
    what: "a downgraded encryption type",
    values: one(() =>
      withTicket((ticket) => {
        ticket.encPart!.etype = 3;
      }),
    ),
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_ETYPE_NOSUPP",
    details: {
      field: "ticket",
      etype: "3",
      permitted: "20 19",
      server: "chat/api.example.test@TEST.EXAMPLE",
    },
  },
  {
    what: "a session key of a weak encryption type",
    values: one(async () => {
      return makeProof(world, { credentials: forge(world, { sessionKey: randomKey(etypeOf(3)) }) });
    }),
    code: "FAILED_PRECONDITION",
    reason: "KDC_ERR_ETYPE_NOSUPP",
    details: { field: "ticket.key", etype: "3", permitted: "20 19" },
  },
  {
    what: "a key version that is not held",
    values: one(() => makeProof(world, { credentials: forge(world, {}, 7) })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BADKEYVER",
    details: { etype: "20", ticket_kvno: "7", held_kvno: "1", server: "chat/api.example.test@TEST.EXAMPLE" },
  },
  {
    what: "a ticket with a bit changed",
    values: one(() =>
      withTicket((ticket) => {
        ticket.encPart!.cipher[20]! ^= 1;
      }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BAD_INTEGRITY",
    details: { part: "ticket" },
  },
  {
    what: "an authenticator of another session",
    values: one(async () => {
      const other = await makeProof(world, { credentials: forge(world) });
      return alterProof(await makeProof(world), (message) => {
        alterProof(other, ({ authenticator }) => {
          message.authenticator = authenticator;
        });
      });
    }),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BAD_INTEGRITY",
    details: { part: "authenticator" },
  },
  {
    what: "no authenticator",
    values: one(async () =>
      alterProof(await makeProof(world), (message) => {
        message.authenticator = new Uint8Array();
      }),
    ),
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "authenticator" },
  },
  {
    what: "an authenticator that is no ciphertext",
    values: one(async () =>
      alterProof(await makeProof(world), (message) => {
        message.authenticator = toBinary(EncryptedDataSchema, create(EncryptedDataSchema, { etype: 20 }));
      }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BAD_INTEGRITY",
    details: { part: "authenticator" },
  },
  {
    what: "an authenticator that names another client",
    values: one(() =>
      withAuthenticator((part) => {
        part.client = world.realm.principal("bob");
      }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BADMATCH",
  },
  {
    what: "a checksum of another type",
    values: one(() =>
      withAuthenticator((part) => {
        part.checksum.type = 19;
      }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_INAPP_CKSUM",
  },
  {
    what: "a dropped checksum",
    values: one(() =>
      withAuthenticator((part) => {
        part.checksum.checksum = new Uint8Array();
      }),
    ),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
  },
  {
    what: "a ticket for other addresses",
    values: one(() => makeProof(world, { credentials: forge(world, { addresses: ["192.0.2.1"] }) })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_BADADDR",
  },
  {
    what: "a ticket that crossed a realm",
    values: one(() => withSealedTicket((part) => (part.transited = "OTHER.TEST"))),
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_PATH_NOT_ACCEPTED",
  },
  {
    what: "a renewable ticket without an end of its renewals",
    values: one(() => makeProof(world, { credentials: forge(world, { flags: [TicketFlag.RENEWABLE] }) })),
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_MODIFIED",
    details: { field: "ticket.renew_till" },
  },
  {
    what: "no time in the authenticator",
    values: one(() => withAuthenticator((part) => delete part.ctime)),
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "authenticator.ctime" },
  },
  {
    what: "a nonce of 11 bytes",
    values: one(() => withAuthenticator((part) => (part.nonce = new Uint8Array(11)))),
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "authenticator.nonce" },
  },
  {
    what: "a nonce of 65 bytes",
    values: one(() => withAuthenticator((part) => (part.nonce = new Uint8Array(65)))),
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "authenticator.nonce" },
  },
  {
    what: "a subkey that nothing needs",
    values: one(() => withAuthenticator((part) => (part.subkey = toEncryptionKey(randomKey(etypeOf(20)))))),
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "authenticator.subkey" },
  },
  {
    what: "a sequence number that nothing needs",
    values: one(() => withAuthenticator((part) => (part.seqNumber = 7))),
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "authenticator.seq_number" },
  },
  {
    what: "authorization data that the service does not understand",
    values: one(() =>
      makeProof(world, {
        credentials: forge(world, { authorizationData: [{ type: 99, data: new Uint8Array(1) }] }),
      }),
    ),
    code: "PERMISSION_DENIED",
    reason: "KDC_ERR_POLICY",
    details: { rule: "authorization-data", type: "99" },
  },
];

test.each(rows)("$what is refused with $code, $reason", async ({ values, code, reason, details }) => {
  const refusal = await refusalOf(rawSay(world, await values()));
  expect(refusal).toMatchObject({ code, reason, details: details ?? {} });
  expect(world.log.at(-1)).toMatchObject({ exchange: "GUARD", method: CHAT.say.path, result: reason });
});

test("a ticket that would be let in is all that these lack", async () => {
  expect(await rawSay(world, [await makeProof(world)])).toBe("hello");
  expect(await rawSay(world, [await makeProof(world, { credentials: forge(world) })])).toBe("hello");
  expect(world.seen).toHaveLength(2);
  world.seen.length = 0;
});

test("a keytab without a key of the ticket's encryption type names what it holds", async () => {
  const { principal, keys } = world.keys;
  const keytab = () => ({ principal, keys: keys.filter(({ key }) => key.etype.etype === 19) });
  await using other = await openWorld({ realm: world.realm, guard: { keytab } });
  expect(await refusalOf(other.client().say("a"))).toMatchObject({
    code: "UNAUTHENTICATED",
    reason: "KRB_AP_ERR_NOKEY",
    text: expect.stringContaining("tessera kadmin ktadd -k FILE -norandkey"),
    details: { server: principal, etype: "20", held: "19" },
  });
});

describe("a replayed AP-REQ", () => {
  test("is refused by the service that saw it", async () => {
    const proof = await makeProof(world);
    await rawSay(world, [proof]);
    world.seen.length = 0;
    expect(await refusalOf(rawSay(world, [proof]))).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_REPEAT",
    });
  });

  test("is refused by another instance that shares the store", async () => {
    const { replayCache, realm, address } = world;
    await using other = await openWorld({ realm, guard: { replayCache } });
    const proof = await makeProof(world);
    await rawSay(world, [proof]);
    world.seen.length = 0;
    // The same authority, as behind one name: whoever replays sets it as he likes.
    const atOther: World = {
      ...other,
      client: (wish) => other.client({ ...wish, channelOptions: { "grpc.default_authority": address } }),
    };
    expect(await refusalOf(rawSay(atOther, [proof]))).toMatchObject({
      code: "UNAUTHENTICATED",
      reason: "KRB_AP_ERR_REPEAT",
    });
    expect(other.seen).toEqual([]);
  });

  test("of a hundred at once lets one in", async () => {
    const proof = await makeProof(world);
    const calls = await Promise.allSettled(Array.from({ length: 100 }, () => rawSay(world, [proof])));
    expect(calls.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(world.seen).toHaveLength(1);
    world.seen.length = 0;
  });
});

describe("a call that is not what its method says", () => {
  const sayAsStream = (values: readonly Buffer[], lines: readonly Line[]) =>
    new Promise<Line>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = CHAT.say;
      const metadata = new grpc.Metadata();
      for (const value of values) metadata.add(AP_REQ_METADATA, value);
      const call = world
        .client({ interceptors: [] })
        .makeClientStreamRequest(path, requestSerialize, responseDeserialize, metadata, (error, line) =>
          error ? reject(error) : resolve(line!),
        );
      for (const line of lines) call.write(line);
      call.end();
    });

  test("is refused without a request", async () => {
    expect(await refusalOf(sayAsStream([await makeProof(world)], []))).toMatchObject({
      code: "INVALID_ARGUMENT",
      reason: "KRB_ERR_GENERIC",
    });
  });

  test("is refused with a second request", async () => {
    const calls = sayAsStream([await makeProof(world)], [{ text: "hello" }, { text: "again" }]);
    expect(await refusalOf(calls)).toMatchObject({ code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_MODIFIED" });
  });
});

test("a stream without a subkey is refused", async () => {
  const metadata = new grpc.Metadata();
  metadata.set(AP_REQ_METADATA, await makeProof(world, { method: CHAT.talk.path, requestSha256: undefined }));
  const { path, requestSerialize, responseDeserialize } = CHAT.talk;
  const call = world
    .client({ interceptors: [] })
    .makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const drained = (async () => {
    for await (const _ of call);
  })();
  expect(await refusalOf(drained)).toMatchObject({
    code: "INVALID_ARGUMENT",
    reason: "KRB_ERR_GENERIC",
    details: { field: "authenticator.subkey" },
  });
});

test("a request that does not decode is refused after it was verified", async () => {
  const request = Buffer.from("{");
  const credentials = await world.alice.serviceTicket(world.service);
  const metadata = new grpc.Metadata();
  metadata.set(AP_REQ_METADATA, await makeProof(world, { credentials, requestSha256: sha256(request) }));
  const sent = new Promise((resolve, reject) => {
    world.client({ interceptors: [] }).makeUnaryRequest(
      CHAT.say.path,
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
      request,
      metadata,
      (error) => (error ? reject(error) : resolve(undefined)),
    );
  });
  expect(await refusalOf(sent)).toMatchObject({ code: "INVALID_ARGUMENT", reason: "KRB_ERR_GENERIC" });
});

test("health and reflection answer through all of it", async () => {
  await using guarded = await openWorld({ realm: world.realm });
  const health = new HealthService();
  health.addTo(guarded.server);
  addReflection(guarded.server, []);
  const client = new HealthClient(guarded.address, grpc.credentials.createInsecure());
  for (const { values } of rows) {
    await refusalOf(rawSay(guarded, await values()));
    expect(await client.check({})).toMatchObject({ status: 1 });
  }
  client.close();
});
