import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { KdcOption, KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import type { PaEncTimestamp } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { type AsContext, issueTgt, makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { asClient, makeDecoy } from "../../src/protocol/decoy.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { type LongTermKey, randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { passwordPrincipal } from "../../src/protocol/new-principal.js";
import { krbtgtOf } from "../../src/protocol/principal.js";
import { sealToBytes } from "../../src/protocol/sealed-part.js";
import { decodeBlob } from "../../src/protocol/strict-decode.js";
import { openTicket } from "../../src/protocol/ticket.js";
import {
  asContext,
  DAY,
  emptyPart,
  grantTicket,
  HOUR,
  keyOf,
  login,
  makeEntry,
  makeKeys,
  makePolicy,
  makeRealm,
  NOW,
  named,
  REALM,
  reseal,
  SKEW,
  type TestRealm,
  unknownContext,
} from "../support/entries.js";
import { describeKdcReply } from "./kdc-reply-suite.js";
import { type RunAltered, testImpossibleWishes, testMalformedFields } from "./kdc-request-suite.js";
import { expectRefusal, refusalOf } from "./refusal.js";

const { RENEWABLE, RENEWABLE_OK, RENEW } = KdcOption;
const { RENEWABLE: RENEWABLE_FLAG, INITIAL, PRE_AUTHENT } = TicketFlag;
const TGS = krbtgtOf(REALM);
const realm = makeRealm();
const key = keyOf(realm.alice);
const etype = (number: number) => number as never;
const modified = "KRB_AP_ERR_MODIFIED";

const request = (wish = {}, now = NOW) =>
  makeAsReq(realm.alice.principal, { etypes: [3], ...wish }, key, now);
const issue = (message: AuthenticateRequest, changes: Partial<TestRealm> = {}, now = NOW) =>
  issueTgt(message, asContext({ ...realm, ...changes }), now);

describe.each([...ENCRYPTION_TYPES.values()].map((row) => [row.name, row] as const))(
  "with %s, a password's key",
  (_, row) => {
    test("becomes a ticket-granting ticket that client and TGS understand alike", () => {
      const home = makeRealm(row.etype);
      const { reply, ticket, credentials } = login(home);
      expect(credentials).toMatchObject({
        client: "alice@EXAMPLE.TEST",
        server: "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
        flags: [INITIAL, PRE_AUTHENT],
        authtime: NOW,
        starttime: NOW,
        endtime: NOW + 10 * HOUR,
        renewTill: undefined,
      });
      expect(reply.kdcOffset).toBe(0);
      expect(reply.keyExpiration).toBeUndefined();
      const opened = openTicket(credentials.ticket, { principal: TGS, keys: home.krbtgt.keys }, [row.etype]);
      expect(opened).toEqual(ticket);
      expect(opened.sessionKey.exportBytes()).toEqual(credentials.key.exportBytes());
      expect(opened.sessionKey.etype).toBe(row);
    });
  },
);

describe("the AS", () => {
  test("says of what types reply, ticket and session key are", () => {
    expect(issue(request()).etypes).toEqual({ reply: 3, ticket: 3, session: 3 });
  });

  test("makes a fresh session key for each ticket, also for the same request", () => {
    const message = request();
    const [one, other] = [issue(message), issue(message)];
    expect(one.ticket.sessionKey.exportBytes()).not.toEqual(other.ticket.sessionKey.exportBytes());
  });

  test("is asked for the TGS by name as well as by leaving the name out", () => {
    const message = request();
    message.server = TGS;
    expect(issue(message).ticket.server).toBe(TGS);
  });

  test("takes its randomness from where it is told", () => {
    let calls = 0;
    const random = (size: number) => new Uint8Array(size).fill(++calls);
    makeAsReq(realm.alice.principal, { etypes: [3] }, key, NOW, random);
    expect(calls).toBe(2);
  });

  describe("reads the request, which", () => {
    const run: RunAltered = (alter) => {
      const message = request();
      alter(message);
      return issue(message);
    };
    testMalformedFields("request", run);
    testImpossibleWishes(run);
  });

  const requests: {
    name: string;
    alter: (message: AuthenticateRequest) => void;
    code: KrbErrorName;
    details?: Record<string, string>;
  }[] = [
    {
      name: "no client",
      alter: (m) => (m.client = ""),
      code: "KRB_ERR_GENERIC",
      details: { field: "client" },
    },
    {
      name: "a client that is no principal",
      alter: (m) => (m.client = "alice"),
      code: "KRB_ERR_GENERIC",
      details: { field: "client" },
    },
    {
      name: "a client of U+FFFD",
      alter: (m) => (m.client = "\ufffd@EXAMPLE.TEST"),
      code: "KRB_ERR_GENERIC",
      details: { field: "client" },
    },
    {
      name: "a client too long",
      alter: (m) => (m.client = `${"a".repeat(300)}@EXAMPLE.TEST`),
      code: "KRB_ERR_FIELD_TOOLONG",
      details: { field: "client" },
    },
    {
      name: "a client of another realm",
      alter: (m) => (m.client = "alice@OTHER"),
      code: "KDC_ERR_WRONG_REALM",
      details: { asked: "OTHER", realm: REALM },
    },
    {
      name: "a server that is no principal",
      alter: (m) => (m.server = "krbtgt"),
      code: "KRB_ERR_GENERIC",
      details: { field: "server" },
    },
    {
      name: "a service as the server",
      alter: (m) => (m.server = "notes/localhost@EXAMPLE.TEST"),
      code: "KDC_ERR_POLICY",
      details: { rule: "as-serves-tgs-only" },
    },
    { name: "another realm's TGS", alter: (m) => (m.server = krbtgtOf("OTHER")), code: "KDC_ERR_POLICY" },
    {
      name: "another nonce than the proof's",
      alter: (m) => (m.nonce = new Uint8Array(16)),
      code: "KDC_ERR_PREAUTH_FAILED",
    },
    { name: "no proof", alter: (m) => (m.padata = []), code: "KDC_ERR_PREAUTH_REQUIRED" },
    {
      name: "a proof of unknown kind only",
      alter: (m) => (m.padata[0]!.type = etype(138)),
      code: "KDC_ERR_PREAUTH_REQUIRED",
    },
    {
      name: "a proof of no kind",
      alter: (m) => (m.padata[0]!.type = 0),
      code: "KRB_ERR_GENERIC",
      details: { field: "padata.type" },
    },
    {
      name: "an empty proof",
      alter: (m) => (m.padata[0]!.value = new Uint8Array()),
      code: "KRB_ERR_GENERIC",
      details: { field: "padata.value" },
    },
    {
      name: "the proof twice",
      alter: (m) => m.padata.push(m.padata[0]!),
      code: "KRB_ERR_GENERIC",
      details: { field: "padata" },
    },
    {
      name: "an empty element beside the proof",
      alter: (m) => m.padata.push(proofOf(138, new Uint8Array())),
      code: "KRB_ERR_GENERIC",
      details: { field: "padata.value" },
    },
    {
      name: "nine elements",
      alter: (m) => (m.padata = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((type) => proofOf(type, m.padata[0]!.value))),
      code: "KRB_ERR_FIELD_TOOLONG",
      details: { field: "padata", length: "9", limit: "8" },
    },
    {
      name: "random bytes as the proof",
      alter: (m) => (m.padata[0]!.value = new Uint8Array(64).fill(0xa5)),
      code: "KRB_ERR_GENERIC",
      details: { field: "padata.value" },
    },
    {
      name: "a request body as the proof",
      alter: (m) =>
        (m.padata[0]!.value = toBinary(KdcReqBodySchema, create(KdcReqBodySchema, { server: TGS }))),
      code: "KRB_ERR_GENERIC",
      details: { field: "padata.value" },
    },
    {
      name: "a TGT as the proof",
      alter: (m) => (m.padata[0]!.value = login(realm).credentials.ticket),
      code: "KRB_ERR_GENERIC",
      details: { field: "padata.value" },
    },
    {
      name: "an earlier reply as the proof",
      alter: (m) => (m.padata[0]!.value = login(realm).response.encPart),
      code: "KDC_ERR_PREAUTH_FAILED",
    },
    {
      name: "the proof of another request",
      alter: (m) => (m.padata = request().padata),
      code: "KDC_ERR_PREAUTH_FAILED",
    },
    {
      name: "a proof that says another type",
      alter: (m) => alterProof(m, (data) => (data.etype = 20)),
      code: "KDC_ERR_PREAUTH_REQUIRED",
    },
    {
      name: "a proof of the lesson type, which the client has no key of",
      alter: (m) => alterProof(m, (data) => (data.etype = -1)),
      code: "KDC_ERR_PREAUTH_REQUIRED",
    },
    {
      name: "a proof of no type",
      alter: (m) => alterProof(m, (data) => (data.etype = 0)),
      code: "KDC_ERR_PREAUTH_REQUIRED",
    },
    {
      name: "a proof without ciphertext",
      alter: (m) => alterProof(m, (data) => (data.cipher = new Uint8Array())),
      code: "KDC_ERR_PREAUTH_FAILED",
    },
    {
      name: "a proof with a changed bit",
      alter: (m) => alterProof(m, (data) => (data.cipher[9]! ^= 1)),
      code: "KDC_ERR_PREAUTH_FAILED",
    },
    {
      name: "a proof without time",
      alter: (m) => resealProof(m, (part) => delete part.patimestamp),
      code: "KDC_ERR_PREAUTH_FAILED",
    },
    {
      name: "a proof without nonce",
      alter: (m) => resealProof(m, (part) => (part.nonce = new Uint8Array())),
      code: "KDC_ERR_PREAUTH_FAILED",
    },
    {
      name: "a proof with another nonce",
      alter: (m) => resealProof(m, (part) => (part.nonce[15]! ^= 1)),
      code: "KDC_ERR_PREAUTH_FAILED",
    },
    {
      name: "a proof with an impossible time",
      alter: (m) => resealProof(m, (part) => (part.patimestamp!.nanos = -1)),
      code: "KRB_ERR_GENERIC",
      details: { field: "padata.patimestamp" },
    },
    {
      name: "a proof too far ahead",
      alter: (m) => resealProof(m, (part) => (part.patimestamp = toTimestamp(NOW + SKEW + 1))),
      code: "KRB_AP_ERR_SKEW",
      details: { offset_ms: "300001", limit_ms: "300000", side: "client is ahead" },
    },
    {
      name: "a proof too far behind",
      alter: (m) => resealProof(m, (part) => (part.patimestamp = toTimestamp(NOW - SKEW - 1))),
      code: "KRB_AP_ERR_SKEW",
      details: { offset_ms: "-300001", limit_ms: "300000", side: "client is behind" },
    },
    ...(
      [
        "authenticator",
        "encTicketPart",
        "encAsRepPart",
        "encTgsRepPart",
        "encApRepPart",
        "encRequestPart",
        "encResponsePart",
      ] as const
    ).map((kind) => ({
      name: `a proof that is an empty ${kind} under the right key`,
      alter: (m: AuthenticateRequest) =>
        (m.padata[0]!.value = sealToBytes({ key, usage: KeyUsage.PA_ENC_TIMESTAMP }, kind, emptyPart(kind))),
      code: "KDC_ERR_PREAUTH_FAILED" as const,
    })),
  ];
  test.each(requests)("refuses a request with $name", ({ alter, code, details }) => {
    const message = request();
    alter(message);
    expectRefusal(() => issue(message), code, details);
  });

  test("refuses a proof cut after any byte, or extended", () => {
    const message = request();
    const { value } = message.padata[0]!;
    for (let length = 0; length < value.length; length++) {
      message.padata[0]!.value = value.slice(0, length);
      const { reason } = refusalOf(() => issue(message));
      // Only what is still an EncryptedData gets as far as the key.
      const whole = length === 2;
      expect([length, reason]).toEqual([length, whole ? "KDC_ERR_PREAUTH_FAILED" : "KRB_ERR_GENERIC"]);
    }
    message.padata[0]!.value = Uint8Array.of(...value, 0);
    expectRefusal(() => issue(message), "KRB_ERR_GENERIC", { field: "padata.value" });
  });

  test("refuses a proof whose ciphertext was cut after any byte", () => {
    const message = request();
    const { value } = message.padata[0]!;
    const { cipher } = decodeBlob(EncryptedDataSchema, value, "value");
    for (let length = 0; length < cipher.length; length++) {
      message.padata[0]!.value = value;
      alterProof(message, (data) => (data.cipher = cipher.slice(0, length)));
      expectRefusal(() => issue(message), "KDC_ERR_PREAUTH_FAILED");
    }
  });

  test.each([0, 1, -1, SKEW, -SKEW])("takes a proof whose clock is off by %d ms", (offset) => {
    const message = request({}, NOW + offset);
    expect(issue(message).ticket.authtime).toBe(NOW);
  });

  test("ignores elements of kinds it does not know, before and after the proof", () => {
    const message = request();
    message.padata = [proofOf(138, Uint8Array.of(1)), ...message.padata, proofOf(-7, Uint8Array.of(1))];
    expect(issue(message).ticket.client).toBe("alice@EXAMPLE.TEST");
  });

  test("takes a start as far ahead as the skew, for a ticket from now on", () => {
    const message = request();
    message.from = toTimestamp(NOW + SKEW);
    expect(issue(message).ticket.starttime).toBe(NOW);
  });

  test("refuses a password that is wrong", () => {
    const message = makeAsReq(realm.alice.principal, { etypes: [3] }, randomKey(etypeOf(3)), NOW);
    expectRefusal(() => issue(message), "KDC_ERR_PREAUTH_FAILED");
  });

  test("refuses the key of an old version", () => {
    const alice = { ...realm.alice, keys: [...makeKeys([3], 2), ...realm.alice.keys] };
    expectRefusal(() => issue(request(), { alice }), "KDC_ERR_PREAUTH_FAILED");
  });

  const clients: { name: string; changes: Partial<TestRealm["alice"]>; code: KrbErrorName }[] = [
    { name: "disabled", changes: { disabled: true }, code: "KDC_ERR_CLIENT_REVOKED" },
    { name: "expired", changes: { expiresAt: NOW }, code: "KDC_ERR_NAME_EXP" },
    {
      name: "to change its password first",
      changes: { passwordExpiresAt: NOW },
      code: "KDC_ERR_KEY_EXPIRED",
    },
    { name: "permitted no life at all", changes: { maxLife: 0 }, code: "KDC_ERR_NEVER_VALID" },
    { name: "permitted a negative life", changes: { maxLife: -1 }, code: "KDC_ERR_NEVER_VALID" },
    { name: "without keys", changes: { keys: [] }, code: "KDC_ERR_PREAUTH_REQUIRED" },
  ];
  test.each(clients)("refuses a client that is $name", ({ changes, code }) => {
    expectRefusal(() => issue(request(), { alice: { ...realm.alice, ...changes } }), code);
  });

  test.each(clients)("says so only to who knows the password: $name", ({ changes }) => {
    const alice = { ...realm.alice, ...changes };
    const message = makeAsReq(realm.alice.principal, { etypes: [3] }, randomKey(etypeOf(3)), NOW);
    const { reason } = refusalOf(() => issue(message, { alice }));
    expect(reason).toBe(alice.keys.length === 0 ? "KDC_ERR_PREAUTH_REQUIRED" : "KDC_ERR_PREAUTH_FAILED");
  });

  test("takes eight elements of pre-authentication, and looks for the proof among them", () => {
    const message = request();
    const others = [133, 134, 135, 136, 137, 138, 139].map((type) => proofOf(type, Uint8Array.of(1)));
    message.padata = [...others, ...message.padata];
    expect(message.padata).toHaveLength(8);
    expect(issue(message).ticket.client).toBe(realm.alice.principal);
  });

  test("gives no ticket where the TGS has no key of a type the realm permits", () => {
    const krbtgt = makeEntry(TGS, [-1]);
    const policy = makePolicy({ permittedEtypes: [3] });
    expectRefusal(() => issue(request(), { krbtgt, policy }), "KDC_ERR_ETYPE_NOSUPP", {
      asked: "3",
      held: "-1",
    });
  });

  test("does not take a proof under a type the realm no longer permits", () => {
    const policy = makePolicy({ permittedEtypes: [20, 19] });
    expectRefusal(() => issue(request(), { policy }), "KDC_ERR_PREAUTH_REQUIRED");
  });
});

describe("an unknown client", () => {
  const unknown = unknownContext(realm);
  const compared = (run: () => unknown) => {
    const { message, details, etypeInfo } = refusalOf(run);
    const entries = etypeInfo?.entries.map((entry) => ({ ...entry, salt: entry.salt.length }));
    return { message, details, entries };
  };

  test("is told the same as one who forgot the proof", () => {
    const message = makeAsReq(realm.alice.principal, { etypes: [3] }, undefined, NOW);
    const known = compared(() => issueTgt(message, asContext(realm), NOW));
    expect(compared(() => issueTgt(message, unknown, NOW))).toEqual(known);
    expect(known.entries).toEqual([expect.objectContaining({ etype: 3, salt: "EXAMPLE.TESTalice".length })]);
    expectRefusal(() => issueTgt(message, unknown, NOW), "KDC_ERR_PREAUTH_REQUIRED");
  });

  test("is told the same iterations as everybody whose password the policy's iterations made", async () => {
    const iterations = 40_000;
    const alice = await passwordPrincipal(realm.alice.principal, "password", [20], NOW, iterations);
    const policy = makePolicy({ iterations, keyEtypes: [20], permittedEtypes: [20] });
    const context = { ...asContext(realm), client: { entry: alice, exists: true }, policy };
    const decoy = makeDecoy(policy);
    const client = asClient(decoy, alice.principal, decoy.entry, false);
    const message = makeAsReq(alice.principal, { etypes: [20] }, undefined, NOW);
    const known = compared(() => issueTgt(message, context, NOW));
    expect(known.entries).toMatchObject([{ etype: 20, s2kparams: Uint8Array.of(0, 0, 0x9c, 0x40) }]);
    expect(compared(() => issueTgt(message, { ...context, client }, NOW))).toEqual(known);
  });

  test("is told the same as a wrong password, under its true name for the log", () => {
    const message = makeAsReq(realm.alice.principal, { etypes: [3] }, randomKey(etypeOf(3)), NOW);
    expectRefusal(() => issueTgt(message, asContext(realm), NOW), "KDC_ERR_PREAUTH_FAILED");
    expectRefusal(() => issueTgt(message, unknown, NOW), "KDC_ERR_C_PRINCIPAL_UNKNOWN");
    expect(compared(() => issueTgt(message, unknown, NOW))).toEqual(
      compared(() => issueTgt(message, asContext(realm), NOW)),
    );
  });

  test("is told the same salt each time, the one its principal would have", () => {
    const message = makeAsReq(named("carol"), { etypes: [3] }, undefined, NOW);
    const carol = unknownContext(realm, named("carol"));
    const salts = [1, 2].map(
      () => refusalOf(() => issueTgt(message, carol, NOW)).etypeInfo?.entries[0]?.salt,
    );
    expect(salts).toEqual(["EXAMPLE.TESTcarol", "EXAMPLE.TESTcarol"]);
  });

  test.each(["alter the client", "alter the nonce", "alter the proof"])(
    "is refused for malformed requests as a known one: %s",
    (what) => {
      const message = request();
      if (what === "alter the client") message.client = "x";
      if (what === "alter the nonce") message.nonce = new Uint8Array(3);
      if (what === "alter the proof") message.padata[0]!.value = new Uint8Array(3);
      expect(compared(() => issueTgt(message, unknown, NOW))).toEqual(
        compared(() => issueTgt(message, asContext(realm), NOW)),
      );
      expectRefusal(() => issueTgt(message, unknown, NOW), "KRB_ERR_GENERIC");
    },
  );

  test("gets no ticket even with a proof under the decoy key itself", () => {
    const message = makeAsReq(named("carol"), { etypes: [3] }, keyOf(realm.decoy.entry), NOW);
    expectRefusal(() => issueTgt(message, unknown, NOW), "KDC_ERR_C_PRINCIPAL_UNKNOWN");
  });

  test("costs one decryption, as a known one does", () => {
    const message = makeAsReq(realm.alice.principal, { etypes: [3] }, randomKey(etypeOf(3)), NOW);
    const [known, decoy] = [countDecryptions(asContext(realm), message), countDecryptions(unknown, message)];
    expect(known).toBe(1);
    expect(decoy).toBe(1);
  });

  test("has decoy keys of the types new principals get", () => {
    const { entry } = makeDecoy(makePolicy({ keyEtypes: [20, 19] }));
    expect(entry.keys.map(({ kvno, key: { etype } }) => [kvno, etype.etype])).toEqual([
      [1, 20],
      [1, 19],
    ]);
  });
});

describe("encryption types are chosen apart", () => {
  const both = [-1, 3, 16, 19, 20];
  const alice = makeEntry("alice", [20, 3], { passwordKeyed: true });
  const tgs = (...etypes: number[]) => makeEntry(TGS, etypes);
  const policy = makePolicy();
  const proveWith = (number: number, etypes: number[], changes: Partial<TestRealm>) => {
    const proof = alice.keys.find((held) => held.key.etype.etype === number)!;
    const message = makeAsReq(alice.principal, { etypes }, proof.key, NOW);
    const issued = issue(message, { alice, policy, ...changes });
    const { credentials } = openAsRep(issued.response, message, proof.key, NOW);
    expect(credentials.key.etype.etype).toBe(issued.etypes.session);
    return issued.etypes;
  };

  test.each<[string, number, number[], number[], { reply: number; ticket: number; session: number }]>([
    ["all the strongest where all know it", 20, both, [20, 3], { reply: 20, ticket: 20, session: 20 }],
    [
      "the session key by strength, not by the client's order",
      20,
      [3, 20],
      [20, 3],
      { reply: 20, ticket: 20, session: 20 },
    ],
    [
      "the ticket by the TGS's best key, whatever the client asks",
      3,
      [3],
      [20, 3],
      { reply: 3, ticket: 20, session: 3 },
    ],
    ["the session key by what the TGS has too", 20, both, [3], { reply: 20, ticket: 3, session: 3 }],
    ["the reply by the key that proved the client", 3, both, [20, 3], { reply: 3, ticket: 20, session: 20 }],
    ["types nobody knows skipped", 3, [23, 17, 3], [20, 3], { reply: 3, ticket: 20, session: 3 }],
  ])("%s", (_, proof, asked, held, etypes) => {
    expect(proveWith(proof, asked, { krbtgt: tgs(...held) })).toEqual(etypes);
  });

  test("and never beyond what the realm permits", () => {
    const standard = makePolicy({ permittedEtypes: [19, 20] });
    expect(proveWith(20, both, { krbtgt: tgs(20, 19, 3), policy: standard })).toEqual({
      reply: 20,
      ticket: 20,
      session: 20,
    });
    const message = makeAsReq(alice.principal, { etypes: [3, 20] }, keyOf(alice), NOW);
    expectRefusal(() => issue(message, { alice, policy: standard, krbtgt: tgs(3) }), "KDC_ERR_ETYPE_NOSUPP");
  });

  test("and no reply goes under a type the client does not accept, though a session key could", () => {
    const proof = alice.keys.find((held) => held.key.etype.etype === 3)!;
    const message = makeAsReq(alice.principal, { etypes: [20, 19] }, proof.key, NOW);
    const run = () => issue(message, { alice, policy, krbtgt: tgs(20, 3) });
    expectRefusal(run, "KDC_ERR_ETYPE_NOSUPP", { asked: "20 19", held: "3" });
  });

  test("from the TGS's current version alone", () => {
    const krbtgt = { ...tgs(), keys: [...makeKeys([3], 2), ...makeKeys([20], 1)] };
    expect(proveWith(20, both, { krbtgt })).toEqual({ reply: 20, ticket: 3, session: 3 });
  });
});

describe("times and options", () => {
  const issued = (wish: object, changes: Partial<TestRealm> = {}) => {
    const { credentials } = login({ ...realm, ...changes }, wish);
    const { flags, endtime, renewTill } = credentials;
    return {
      flags,
      endtime: endtime - NOW,
      renewTill: renewTill === undefined ? undefined : renewTill - NOW,
    };
  };
  const plain = [INITIAL, PRE_AUTHENT];
  const renewable = [RENEWABLE_FLAG, INITIAL, PRE_AUTHENT];

  test.each<[string, object, object]>([
    ["the longest life by default", {}, { flags: plain, endtime: 10 * HOUR, renewTill: undefined }],
    ["a shorter life as asked", { till: NOW + 1 }, { flags: plain, endtime: 1 }],
    ["no longer life than the longest", { till: NOW + 10 * HOUR + 1 }, { flags: plain, endtime: 10 * HOUR }],
    [
      "a renewable ticket as asked",
      { options: [RENEWABLE] },
      { flags: renewable, endtime: 10 * HOUR, renewTill: 7 * DAY },
    ],
    [
      "a renewable ticket until as asked",
      { options: [RENEWABLE], renewTill: NOW + DAY },
      { flags: renewable, renewTill: DAY },
    ],
    ["no renewable ticket unasked", { renewTill: NOW + DAY }, { flags: plain, renewTill: undefined }],
    [
      "no renewable ticket that ends before it must be renewed",
      { options: [RENEWABLE], renewTill: NOW + HOUR },
      { flags: plain, renewTill: undefined },
    ],
    [
      "a renewable ticket in place of a longer one",
      { options: [RENEWABLE_OK], till: NOW + DAY },
      { flags: renewable, endtime: 10 * HOUR, renewTill: DAY },
    ],
    [
      "the option renew without effect on a login",
      { options: [RENEW] },
      { flags: plain, renewTill: undefined },
    ],
  ])("give %s", (_, wish, expected) => {
    expect(issued(wish)).toMatchObject(expected);
  });

  test("are limited by client and TGS as well as by the realm", () => {
    const alice = { ...realm.alice, maxLife: HOUR, maxRenewableLife: DAY };
    const krbtgt = { ...realm.krbtgt, maxLife: 2 * HOUR, maxRenewableLife: 2 * HOUR };
    expect(issued({ options: [RENEWABLE] }, { alice })).toMatchObject({ endtime: HOUR, renewTill: DAY });
    expect(issued({ options: [RENEWABLE] }, { krbtgt })).toMatchObject({
      endtime: 2 * HOUR,
      renewTill: undefined,
    });
    expect(issued({ options: [RENEWABLE] }, { alice, krbtgt })).toMatchObject({
      endtime: HOUR,
      renewTill: 2 * HOUR,
    });
  });

  test("tell when the password expires", () => {
    const alice = { ...realm.alice, passwordExpiresAt: NOW + DAY };
    expect(login({ ...realm, alice }).reply.keyExpiration).toBe(NOW + DAY);
  });

  test("hold beyond 2038 and 2106", () => {
    for (const now of [Date.UTC(2038, 0, 19, 3, 14, 8), Date.UTC(2106, 1, 7, 6, 28, 16)]) {
      const { credentials } = login(realm, {}, now);
      expect(credentials.endtime).toBe(now + 10 * HOUR);
    }
  });
});

describe("the client", () => {
  const message = request({ etypes: [20, 3], till: NOW + HOUR, options: [RENEWABLE], renewTill: NOW + DAY });
  const { response } = issue(message);
  const sealing = { key, usage: KeyUsage.AS_REP, kvno: 1 };
  const open = (changes: Partial<AuthenticateResponse>, now = NOW) =>
    openAsRep({ ...response, ...changes }, message, key, now);

  describeKdcReply({
    response,
    sealing,
    kind: "encAsRepPart",
    open,
    flags: [RENEWABLE_FLAG, INITIAL, PRE_AUTHENT],
    own: message.padata[0]!.value,
    other: login(realm).response,
  });

  test.each([
    ["no client", ""],
    ["another client", "bob@EXAMPLE.TEST"],
  ])("refuses a reply that names %s in clear", (_, client) => {
    expectRefusal(() => open({ client }), modified, { field: "client" });
  });

  test.each([3, 20])("refuses a reply under another key of type %i than its password's", (number) => {
    const other = randomKey(etypeOf(number));
    expectRefusal(() => openAsRep(response, message, other, NOW), "KRB_AP_ERR_BAD_INTEGRITY", {
      part: "reply",
    });
  });

  test.each([
    ["no flags", [], "renew_till"],
    ["no flag initial", [RENEWABLE_FLAG, PRE_AUTHENT], "flags"],
    ["no flag pre-authent", [RENEWABLE_FLAG, INITIAL], "flags"],
  ])("refuses a reply that seals %s", (_, flags, field) => {
    const encPart = reseal(response.encPart, sealing, "encAsRepPart", (part) => {
      part.flags = flags;
    });
    expectRefusal(() => open({ encPart }), modified, { field });
  });

  test("refuses a renewable ticket it did not ask for", () => {
    const plain = request();
    const { encPart, ...rest } = issue(plain).response;
    const renewable = reseal(encPart, sealing, "encAsRepPart", (part) => {
      part.flags = [RENEWABLE_FLAG, INITIAL, PRE_AUTHENT];
      part.renewTill = toTimestamp(NOW + DAY);
    });
    expectRefusal(() => openAsRep({ ...rest, encPart: renewable }, plain, key, NOW), modified, {
      field: "renew_till",
    });
  });

  test("notices that its list of types was stripped on the way, though the KDC did not", () => {
    const sent = request({ etypes: [20, 3] });
    const received = { ...sent, etypes: [3] } as AuthenticateRequest;
    const reply = issue(received).response;
    expectRefusal(() => openAsRep(reply, sent, key, NOW), modified, { field: "etypes" });
  });

  test("notices that the end it asked for was put off on the way", () => {
    const sent = request({ till: NOW + HOUR });
    const received = { ...sent, till: toTimestamp(NOW + 9 * HOUR) } as AuthenticateRequest;
    expectRefusal(() => openAsRep(issue(received).response, sent, key, NOW), modified, { field: "endtime" });
  });

  test("does not take a service ticket's reply for a login's", () => {
    const { credentials } = login(realm);
    const { response: granted } = grantTicket(realm, credentials);
    expectRefusal(
      () => open({ encPart: granted.encPart, ticket: granted.ticket }),
      "KRB_AP_ERR_BAD_INTEGRITY",
    );
  });
});

function proofOf(type: number, value: Uint8Array): AuthenticateRequest["padata"][number] {
  return { ...request().padata[0]!, type: type as never, value };
}

function alterProof(
  message: AuthenticateRequest,
  alter: (data: { etype: number; cipher: Uint8Array }) => void,
): void {
  const data = decodeBlob(EncryptedDataSchema, message.padata[0]!.value, "value");
  alter(data);
  message.padata[0]!.value = toBinary(EncryptedDataSchema, data);
}

function resealProof(message: AuthenticateRequest, alter: (part: PaEncTimestamp) => void): void {
  const sealing = { key, usage: KeyUsage.PA_ENC_TIMESTAMP };
  message.padata[0]!.value = reseal(message.padata[0]!.value, sealing, "encTimestamp", alter);
}

/** How often a request that is refused for its proof makes the AS decrypt. */
function countDecryptions(context: AsContext, message: AuthenticateRequest): number {
  let count = 0;
  const counted = (held: LongTermKey): LongTermKey => {
    const cipher = {
      decrypt(usage: number, ciphertext: Uint8Array) {
        count++;
        return held.key.cipher.decrypt(usage, ciphertext);
      },
    };
    return { ...held, key: Object.create(held.key, { cipher: { value: cipher } }) };
  };
  const { entry, exists } = context.client;
  const client = { entry: { ...entry, keys: entry.keys.map(counted) }, exists };
  refusalOf(() => issueTgt(message, { ...context, client }, NOW));
  return count;
}
