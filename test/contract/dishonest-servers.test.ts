/**
 * AS, TGS and V that lie, with the keys or without them: the client refuses by name and keeps nothing. Lies
 * that need stolen keys are tried too, so that each of the client's checks is seen on its own.
 */
import { randomUUID } from "node:crypto";
import { create, fromBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import {
  EchoRequestSchema,
  EchoResponseSchema,
  KerberosClient,
  KrbError,
  RpcError,
} from "../../src/client/index.js";
import type { AccessResponse } from "../../src/gen/kerberos/v1/application_service_pb.js";
import type { AuthenticateResponse } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { EtypeInfo2Schema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { type EncKdcRepPart, TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import type { GrantTicketResponse } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { fromEncryptionKey, toEncryptionKey } from "../../src/protocol/encryption-key.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { randomKey } from "../../src/protocol/keys.js";
import { openData, sealData, TO_CLIENT } from "../../src/protocol/private-message.js";
import { sealToBytes as sealPart } from "../../src/protocol/sealed-part.js";
import { reseal } from "../support/entries.js";
import { keyOf, PASSWORDS, startRealm, type TestRealm } from "../support/realm.js";
import { type MiddleHandlers, standBetween } from "../support/wire-middle.js";

const HOUR = 3_600_000;
const ECHO = { request: EchoRequestSchema, response: EchoResponseSchema };
const TEXTBOOK = { permitted: [20, 19, 3], first: 3 };

/** Alice's login through a man in the middle, and what she is left with. */
async function loginThrough(
  realm: TestRealm,
  handlers: MiddleHandlers,
  options = {},
  etypes = TEXTBOOK,
  more = {},
  password: string = PASSWORDS.alice,
) {
  await using middle = await standBetween(realm, handlers);
  const client = realm.client({ kdc: middle.kdc, etypes, ...more });
  const outcome = await client.login(realm.principal("alice"), password, options).catch((error) => error);
  return { outcome, cached: await client.cached() };
}

/** What a KDC's sealed reply may get wrong, and the client's reason for refusing it. */
const LIES: [string, (part: EncKdcRepPart, realm: TestRealm) => void, string, Record<string, string>?][] = [
  ["another nonce", (part) => part.nonce.reverse(), "KRB_AP_ERR_MODIFIED", { field: "nonce" }],
  [
    "no nonce",
    (part) => Object.assign(part, { nonce: new Uint8Array() }),
    "KRB_AP_ERR_MODIFIED",
    { field: "nonce" },
  ],
  [
    "another client",
    (part) => Object.assign(part, { client: "bob@TEST.EXAMPLE" }),
    "KRB_AP_ERR_MODIFIED",
    { field: "client" },
  ],
  [
    "another service",
    (part) => Object.assign(part, { server: "evil/localhost@TEST.EXAMPLE" }),
    "KRB_AP_ERR_MODIFIED",
    { field: "server" },
  ],
  ["a shorter list of types", (part) => part.etypes.shift(), "KRB_AP_ERR_MODIFIED", { field: "etypes" }],
  ["the list in another order", (part) => part.etypes.reverse(), "KRB_AP_ERR_MODIFIED", { field: "etypes" }],
  [
    "a longer life",
    (part, realm) => Object.assign(part, { endtime: toTimestamp(realm.now + HOUR + 1) }),
    "KRB_AP_ERR_MODIFIED",
    { field: "endtime" },
  ],
  [
    "no life",
    (part, realm) => Object.assign(part, { endtime: toTimestamp(realm.now) }),
    "KRB_AP_ERR_MODIFIED",
    { field: "endtime" },
  ],
  ["no times", (part) => delete part.starttime, "KRB_AP_ERR_MODIFIED", { field: "times" }],
  ["no time of its own", (part) => delete part.kdcTime, "KRB_AP_ERR_MODIFIED", { field: "times" }],
  [
    "a renewal that nobody asked for",
    (part, realm) => {
      part.flags = [TicketFlag.RENEWABLE, ...part.flags];
      part.renewTill = toTimestamp(realm.now + 9 * HOUR);
    },
    "KRB_AP_ERR_MODIFIED",
    { field: "renew_till" },
  ],
  [
    "a flag that nobody asked for",
    (part) => part.flags.unshift(TicketFlag.FORWARDABLE),
    "KRB_AP_ERR_MODIFIED",
    { field: "flags" },
  ],
  ["flags in disorder", (part) => part.flags.push(1), "KRB_AP_ERR_MODIFIED", { field: "flags" }],
  [
    "a session key of a type not asked for",
    (part) => Object.assign(part, { key: toEncryptionKey(randomKey(etypeOf(16))) }),
    "KDC_ERR_ETYPE_NOSUPP",
  ],
];

describe("an AS that lies under seal", () => {
  test.each([
    ...LIES,
    [
      "no flags",
      (part: EncKdcRepPart) => Object.assign(part, { flags: [] }),
      "KRB_AP_ERR_MODIFIED",
      { field: "flags" },
    ] as (typeof LIES)[0],
  ])("%s", async (_, lie, reason, details = {}) => {
    await using realm = await startRealm();
    const sealing = { key: await keyOf(realm, "alice"), usage: KeyUsage.AS_REP };
    const { outcome, cached } = await loginThrough(
      realm,
      {
        authenticate: async (request, pass) => {
          const response = await pass(request);
          const encPart = reseal(response.encPart, sealing, "encAsRepPart", (part) => lie(part, realm));
          return { ...response, encPart };
        },
      },
      { life: HOUR },
    );
    expect(outcome).toMatchObject({ name: "KrbError", reason, details });
    expect(cached).toBeUndefined();
  });
});

describe("an AS, or a man in the middle, without the client's key", () => {
  type Change = (response: AuthenticateResponse, realm: TestRealm) => Promise<Partial<AuthenticateResponse>>;
  const CHANGES: [string, Change, string, Record<string, string>?][] = [
    [
      "names another client in clear",
      async () => ({ client: "bob@TEST.EXAMPLE" }),
      "KRB_AP_ERR_MODIFIED",
      { field: "client" },
    ],
    [
      "sends no ticket",
      async () => ({ ticket: new Uint8Array() }),
      "KRB_AP_ERR_MODIFIED",
      { field: "ticket" },
    ],
    [
      "sends no sealed part",
      async () => ({ encPart: new Uint8Array() }),
      "KRB_ERR_GENERIC",
      { field: "enc_part" },
    ],
    [
      "sends rubbish",
      async () => ({ encPart: Buffer.from("rubbish") }),
      "KRB_ERR_GENERIC",
      { field: "enc_part" },
    ],
    ["sends the ticket as the sealed part", async ({ ticket }) => ({ encPart: ticket }), "KRB_ERR_GENERIC"],
    [
      "seals under another key",
      async ({ encPart }, realm) => ({
        encPart: await reSealed(encPart, realm),
      }),
      "KRB_AP_ERR_BAD_INTEGRITY",
      { part: "reply" },
    ],
    [
      "changes one bit",
      async ({ encPart }) => {
        encPart[encPart.length - 3]! ^= 1;
        return { encPart };
      },
      "KRB_AP_ERR_BAD_INTEGRITY",
      { part: "reply" },
    ],
  ];

  async function reSealed(encPart: Uint8Array, realm: TestRealm): Promise<Uint8Array> {
    const key = await keyOf(realm, "bob");
    const right = { key: await keyOf(realm, "alice"), usage: KeyUsage.AS_REP };
    let bytes = new Uint8Array();
    reseal(encPart, right, "encAsRepPart", (part) => {
      bytes = Uint8Array.from(sealPart({ key, usage: KeyUsage.AS_REP }, "encAsRepPart", part));
    });
    return bytes;
  }

  test.each(CHANGES)("%s", async (_, change, reason, details = {}) => {
    await using realm = await startRealm();
    const { outcome, cached } = await loginThrough(realm, {
      authenticate: async (request, pass) => {
        const response = await pass(request);
        return { ...response, ...(await change(response, realm)) };
      },
    });
    expect(outcome).toMatchObject({ name: "KrbError", reason, details });
    expect(cached).toBeUndefined();
  });

  test("strips the strong types from the request", async () => {
    await using realm = await startRealm();
    await realm.change("krbtgt/TEST.EXAMPLE", (entry) => ({
      ...entry,
      keys: [{ kvno: 1, key: randomKey(etypeOf(20)) }, ...entry.keys],
    }));
    const honest = await loginThrough(realm, {});
    expect(honest.outcome.key.etype.etype).toBe(20);
    const { outcome, cached } = await loginThrough(realm, {
      authenticate: (request, pass) => pass({ ...request, etypes: [3] }),
    });
    expect(outcome).toMatchObject({ reason: "KRB_AP_ERR_MODIFIED", details: { field: "etypes" } });
    expect(cached).toBeUndefined();
  });

  test("asks for a longer life than the client did", async () => {
    await using realm = await startRealm();
    const till = toTimestamp(realm.now + 9 * HOUR);
    const { outcome } = await loginThrough(
      realm,
      { authenticate: (request, pass) => pass({ ...request, till }) },
      { life: HOUR },
    );
    expect(outcome).toMatchObject({ reason: "KRB_AP_ERR_MODIFIED", details: { field: "endtime" } });
  });

  test("plays an old reply", async () => {
    await using realm = await startRealm();
    let old: AuthenticateResponse | undefined;
    const replay: MiddleHandlers = {
      authenticate: async (request, pass) => {
        old ??= await pass(request);
        return old;
      },
    };
    expect((await loginThrough(realm, replay)).outcome.client).toBe("alice@TEST.EXAMPLE");
    const { outcome, cached } = await loginThrough(realm, replay);
    expect(outcome).toMatchObject({ reason: "KRB_AP_ERR_MODIFIED", details: { field: "nonce" } });
    expect(cached).toBeUndefined();
  });
});

describe("advice that is not authenticated", () => {
  const STANDARD = { permitted: [20, 19], first: 20 };

  /** Refuses the client again and again with this advice, and counts. */
  async function advised(
    entry: { etype: number; salt?: string; s2kparams?: Uint8Array },
    etypes = STANDARD,
    more = {},
    password?: string,
  ) {
    await using realm = await startRealm({ profile: "standard" });
    let asked = 0;
    const info = create(EtypeInfo2Schema, { entries: [{ salt: "TEST.EXAMPLEalice", ...entry }] });
    const { outcome, cached } = await loginThrough(
      realm,
      {
        authenticate: async () => {
          asked += 1;
          throw new KrbError("KDC_ERR_PREAUTH_REQUIRED", "prove it", {}, info);
        },
      },
      {},
      etypes,
      more,
      password,
    );
    expect(cached).toBeUndefined();
    return { outcome, asked };
  }

  test.each([1, 0, 32_767])("%i iterations are too few", async (count) => {
    const s2kparams = Buffer.alloc(4);
    s2kparams.writeUInt32BE(count);
    const { outcome, asked } = await advised({ etype: 20, s2kparams });
    expect(outcome).toMatchObject({
      name: "KrbError",
      reason: "KDC_ERR_ETYPE_NOSUPP",
      details: { asked: String(count), least: "32768" },
    });
    expect(asked).toBe(1);
  });

  test.each([
    ["four billion iterations", Buffer.alloc(4, 0xff)],
    ["three bytes", Buffer.alloc(3, 1)],
    ["five bytes", Buffer.alloc(5, 1)],
  ])("parameters that are absurd are refused at once: %s", async (_, s2kparams) => {
    const { outcome, asked } = await advised({ etype: 20, s2kparams });
    expect(outcome).toMatchObject({ name: "KrbError", reason: "KDC_ERR_ETYPE_NOSUPP" });
    expect(asked).toBe(1);
  });

  test.each([3, 16, -1, 23, 0])("a standard client does not stoop to type %i", async (etype) => {
    const { outcome, asked } = await advised({ etype });
    expect(outcome).toMatchObject({
      reason: "KDC_ERR_ETYPE_NOSUPP",
      details: { offered: String(etype), accepted: "20 19" },
    });
    expect(asked).toBe(1);
  });

  test("no client stoops to an ECB type unless it names it", async () => {
    await using realm = await startRealm();
    await using middle = await standBetween(realm, {
      authenticate: async () => {
        const info = create(EtypeInfo2Schema, { entries: [{ etype: -1, salt: "TEST.EXAMPLEalice" }] });
        throw new KrbError("KDC_ERR_PREAUTH_REQUIRED", "prove it", {}, info);
      },
    });
    const alice = realm.client({ kdc: middle.kdc });
    await expect(alice.login(realm.principal("alice"), PASSWORDS.alice)).rejects.toMatchObject({
      reason: "KDC_ERR_ETYPE_NOSUPP",
      details: { offered: "-1" },
    });
  });

  test.each(["", "x", "TEST.EXAMPLE"])("a salt that tables can be made for is refused: %j", async (salt) => {
    const { outcome, asked } = await advised({ etype: 20, salt });
    expect(outcome).toMatchObject({
      reason: "KDC_ERR_ETYPE_NOSUPP",
      details: { salt, realm: "TEST.EXAMPLE" },
    });
    expect(asked).toBe(1);
  });

  test("what the hash would take beyond the call's time is not begun", async () => {
    const s2kparams = Buffer.alloc(4);
    s2kparams.writeUInt32BE(10_000_000);
    // Of this password no key is remembered: the first one that is made tells the machine's speed.
    const unheard = randomUUID();
    const more = { timeoutMs: 1000 };
    const { outcome, asked } = await advised({ etype: 20, s2kparams }, undefined, more, unheard);
    expect(outcome).toMatchObject({
      name: "KrbError",
      reason: "KDC_ERR_ETYPE_NOSUPP",
      details: { asked: "10000000", limit_ms: "1000" },
    });
    expect(asked).toBe(1);
  });

  test("a client that is told nothing proves its password under AES alone, on loopback too", async () => {
    await using realm = await startRealm({ profile: "standard" });
    const proofs: number[] = [];
    await using middle = await standBetween(realm, {
      authenticate: async ({ padata }) => {
        proofs.push(fromBinary(EncryptedDataSchema, padata[0]!.value).etype);
        const info = create(EtypeInfo2Schema, { entries: [{ etype: 3, salt: "TEST.EXAMPLEalice" }] });
        throw new KrbError("KDC_ERR_PREAUTH_REQUIRED", "prove it", {}, info);
      },
    });
    using client = new KerberosClient({ kdc: middle.kdc, clock: () => realm.now });
    await expect(client.login(realm.principal("alice"), PASSWORDS.alice)).rejects.toMatchObject({
      reason: "KDC_ERR_ETYPE_NOSUPP",
      details: { offered: "3", accepted: "20 19" },
    });
    expect(proofs).toEqual([20]);
  });

  test("no types at all, or the same advice again, ends the login", async () => {
    const same = await advised({ etype: 20, salt: "TEST.EXAMPLEalice" });
    expect(same).toMatchObject({ outcome: { reason: "KDC_ERR_PREAUTH_REQUIRED" }, asked: 1 });
  });

  test("advice that keeps changing is followed for three requests", async () => {
    await using realm = await startRealm();
    let asked = 0;
    const { outcome } = await loginThrough(realm, {
      authenticate: async () => {
        const info = create(EtypeInfo2Schema, { entries: [{ etype: 3, salt: `TEST.EXAMPLE${asked++}` }] });
        throw new KrbError("KDC_ERR_PREAUTH_REQUIRED", "prove it", {}, info);
      },
    });
    expect(outcome).toMatchObject({ reason: "KDC_ERR_PREAUTH_REQUIRED" });
    expect(asked).toBe(3);
  });

  test.each(["9007199254740991", "-9007199254740991", "1e300", "NaN", "", "0x10", "0", "3600000"])(
    "a clock said to be off by %j: refused after two requests at most",
    async (offset_ms) => {
      await using realm = await startRealm();
      let asked = 0;
      const { outcome, cached } = await loginThrough(
        realm,
        {
          authenticate: async () => {
            asked += 1;
            throw new KrbError("KRB_AP_ERR_SKEW", "clock skew too great", { offset_ms });
          },
        },
        { life: HOUR },
      );
      expect(outcome).toBeInstanceOf(KrbError);
      expect(asked).toBeLessThanOrEqual(2);
      expect(cached).toBeUndefined();
    },
  );
});

describe("a TGS that lies", () => {
  /** Alice's ticket for V through a man in the middle, and what she is left with. */
  async function ticketThrough(
    realm: TestRealm,
    change: (
      response: GrantTicketResponse,
      key: ReturnType<typeof randomKey>,
    ) => Partial<GrantTicketResponse>,
  ) {
    let key!: ReturnType<typeof randomKey>;
    await using middle = await standBetween(realm, {
      grantTicket: async (request, pass) => {
        const response = await pass(request);
        return { ...response, ...change(response, key) };
      },
    });
    const client = realm.client({ kdc: middle.kdc, etypes: TEXTBOOK });
    key = (await client.login(realm.principal("alice"), PASSWORDS.alice, { life: HOUR })).key;
    const outcome = await client.serviceTicket(realm.v.principal, { life: HOUR }).catch((error) => error);
    return { outcome, kept: (await client.cached())?.credentials.length };
  }

  test.each(LIES)("under seal: %s", async (_, lie, reason, details = {}) => {
    await using realm = await startRealm();
    const { outcome, kept } = await ticketThrough(realm, ({ encPart }, key) => ({
      encPart: reseal(encPart, { key, usage: KeyUsage.TGS_REP_SESSION_KEY }, "encTgsRepPart", (part) =>
        lie(part, realm),
      ),
    }));
    expect(outcome).toMatchObject({ name: "KrbError", reason, details });
    expect(kept).toBe(1);
  });

  test("an old reply for the same service", async () => {
    await using realm = await startRealm();
    let old: GrantTicketResponse | undefined;
    await using middle = await standBetween(realm, {
      grantTicket: async (request, pass) => {
        const response = await pass(request);
        old ??= response;
        return old;
      },
    });
    const client = realm.client({ kdc: middle.kdc });
    await client.login(realm.principal("alice"), PASSWORDS.alice);
    await client.serviceTicket(realm.v.principal, { life: 1000 });
    realm.advance("2s");
    await expect(client.serviceTicket(realm.v.principal)).rejects.toMatchObject({
      reason: "KRB_AP_ERR_MODIFIED",
      details: { field: "nonce" },
    });
  });

  test("a request whose body was swapped in transit is refused by the TGS itself", async () => {
    await using realm = await startRealm({ services: ["other/localhost"] });
    const bodies: Uint8Array[] = [];
    await using middle = await standBetween(realm, {
      grantTicket: (request, pass) => {
        bodies.push(request.body);
        return pass({ ...request, body: bodies[0]! });
      },
    });
    const client = realm.client({ kdc: middle.kdc });
    await client.login(realm.principal("alice"), PASSWORDS.alice);
    await client.serviceTicket(realm.principal("other/localhost"));
    await expect(client.serviceTicket(realm.v.principal)).rejects.toMatchObject({
      reason: "KRB_AP_ERR_MODIFIED",
      details: { field: "checksum" },
    });
  });
});

describe("a V that lies", () => {
  /** Two calls by alice: the first passes, the answer to the second is changed. */
  async function callThrough(
    change: (
      response: AccessResponse,
      first: AccessResponse,
      key: ReturnType<typeof randomKey>,
    ) => Partial<AccessResponse>,
  ): Promise<unknown> {
    await using realm = await startRealm();
    let first: AccessResponse | undefined;
    const client = await realm.login("alice", PASSWORDS.alice);
    const { key } = await client.serviceTicket(realm.v.principal);
    await using middle = await standBetween(realm, {
      access: async (request, pass) => {
        const response = await pass(request);
        if (first === undefined) {
          first = response;
          return response;
        }
        return { ...response, ...change(response, first, key) };
      },
    });
    expect((await client.access(middle.v, ECHO, { text: "first" })).text).toBe("first");
    return await client.access(middle.v, ECHO, { text: "second" }).catch((error) => error);
  }

  const MUT_FAIL = {
    name: "KrbError",
    reason: "KRB_AP_ERR_MUT_FAIL",
    message: "the service could not prove itself; do not trust its answer",
  };
  const AP_REP = { usage: KeyUsage.AP_REP };

  test.each([
    ["no proof", () => ({ apRep: new Uint8Array() })],
    ["rubbish as proof", () => ({ apRep: Buffer.from("rubbish") })],
    ["the proof of another call", (_, first) => ({ apRep: first.apRep })],
    ["proof and answer of another call", (_, first) => first],
    ["the answer as proof", ({ response }) => ({ apRep: response })],
    [
      "a proof under another key",
      ({ apRep }, _, key) => ({
        apRep: resealUnder(apRep, key, randomKey(etypeOf(3))),
      }),
    ],
    [
      "a proof with another time",
      ({ apRep }, _, key) => ({
        apRep: reseal(apRep, { key, ...AP_REP }, "encApRepPart", (part) => {
          part.ctime!.seconds += 1n;
        }),
      }),
    ],
    [
      "a proof with another nonce",
      ({ apRep }, _, key) => ({
        apRep: reseal(apRep, { key, ...AP_REP }, "encApRepPart", (part) => {
          part.nonce.reverse();
        }),
      }),
    ],
    [
      "a proof without a subkey",
      ({ apRep }, _, key) => ({
        apRep: reseal(apRep, { key, ...AP_REP }, "encApRepPart", (part) => {
          delete part.subkey;
        }),
      }),
    ],
  ] as [string, Parameters<typeof callThrough>[0]][])("%s: KRB_AP_ERR_MUT_FAIL", async (_, change) => {
    expect(await callThrough(change)).toMatchObject(MUT_FAIL);
  });

  test.each([
    ["the answer of another call", (_, first) => ({ response: first.response }), "KRB_AP_ERR_BAD_INTEGRITY"],
    ["no answer", () => ({ response: new Uint8Array() }), "KRB_ERR_GENERIC"],
    ["the proof as answer", ({ apRep }) => ({ response: apRep }), "KRB_AP_ERR_BAD_INTEGRITY"],
    [
      "an answer changed in one bit",
      ({ response }) => {
        response[response.length - 1]! ^= 1;
        return { response };
      },
      "KRB_AP_ERR_BAD_INTEGRITY",
    ],
    [
      "an answer with another sequence number",
      (response, _, key) => ({ response: otherAnswer(response, key, undefined, 1) }),
      "KRB_AP_ERR_BADORDER",
    ],
  ] as [string, Parameters<typeof callThrough>[0], string][])("%s", async (_, change, reason) => {
    expect(await callThrough(change)).toMatchObject({ name: "KrbError", reason });
  });

  test("a V without the service's key: KRB_AP_ERR_MUT_FAIL", async () => {
    await using realm = await startRealm();
    await using middle = await standBetween(realm, {
      access: async () => ({
        $typeName: "kerberos.v1.AccessResponse",
        apRep: new Uint8Array(),
        response: new Uint8Array(),
      }),
    });
    const client = await realm.login("alice", PASSWORDS.alice);
    await expect(client.access(middle.v, ECHO, { text: "hello" })).rejects.toMatchObject(MUT_FAIL);
  });

  test.each([
    ["no Any", Buffer.from([0xff, 0xff])],
    ["nothing", new Uint8Array()],
    ["an Any of another type", Buffer.from("\n\x15type.test/other.Thing")],
    [
      "an Any whose contents are rubbish",
      Buffer.from("\n\x27type.googleapis.com/kerberos.v1.EchoResponse\x12\x01\xff", "latin1"),
    ],
  ])("a V that proves itself and answers with %s: INTERNAL", async (_, userData) => {
    const outcome = await callThrough((response, _first, key) => ({
      response: otherAnswer(response, key, userData),
    }));
    expect(outcome).toBeInstanceOf(RpcError);
    expect(outcome).toMatchObject({ code: status.INTERNAL });
  });

  /** The answer properly sealed again with other contents or another sequence number. */
  function otherAnswer(
    { apRep, response }: AccessResponse,
    key: ReturnType<typeof randomKey>,
    userData?: Uint8Array,
    step = 0,
  ): Uint8Array {
    let bytes = response;
    reseal(apRep, { key, ...AP_REP }, "encApRepPart", (part) => {
      const subkey = fromEncryptionKey(part.subkey, [3], "subkey");
      const data = userData ?? openData(subkey, TO_CLIENT, part.seqNumber, response);
      bytes = sealData(subkey, TO_CLIENT, part.seqNumber + step, data);
    });
    return bytes;
  }

  function resealUnder(apRep: Uint8Array, key: ReturnType<typeof randomKey>, other: typeof key): Uint8Array {
    let bytes = apRep;
    reseal(apRep, { key, ...AP_REP }, "encApRepPart", (part) => {
      bytes = sealPart({ key: other, ...AP_REP }, "encApRepPart", part);
    });
    return bytes;
  }
});
