import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import { KdcOption, type KdcReqBody, KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import type {
  GrantTicketRequest,
  GrantTicketResponse,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeApReq, makeSubkey } from "../../src/protocol/ap-exchange.js";
import { TGS_USE } from "../../src/protocol/authenticator.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { krbtgtOf } from "../../src/protocol/principal.js";
import type { PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { sealToBytes, unsealFromBytes } from "../../src/protocol/sealed-part.js";
import { decodeBlob } from "../../src/protocol/strict-decode.js";
import {
  issueServiceTicket,
  makeTgsReq,
  openTgsRep,
  type TgsContext,
  verifyTgsReq,
} from "../../src/protocol/tgs-exchange.js";
import { openTicket } from "../../src/protocol/ticket.js";
import {
  DAY,
  emptyPart,
  grantTicket,
  HOUR,
  keyOf,
  login,
  MINUTE,
  makeEntry,
  makeKeys,
  makePolicy,
  makeRealm,
  NOW,
  named,
  REALM,
  resealTicket,
  SKEW,
} from "../support/entries.js";
import { EXTENSION_VECTORS, extensionDetails } from "../support/extension-vectors.js";
import { describeApReq } from "./ap-req-suite.js";
import { describeKdcReply } from "./kdc-reply-suite.js";
import { testImpossibleWishes, testMalformedFields } from "./kdc-request-suite.js";
import { expectRefusal, refusalOf } from "./refusal.js";

const { RENEWABLE, RENEWABLE_OK, RENEW } = KdcOption;
const { RENEWABLE: RENEWABLE_FLAG, INITIAL, PRE_AUTHENT } = TicketFlag;
const TGS = krbtgtOf(REALM);
const realm = makeRealm();
const tgt = login(realm).credentials;
const modified = "KRB_AP_ERR_MODIFIED";
const context: TgsContext = { client: realm.alice, service: realm.service, policy: realm.policy };

const ask = (wish: object = {}, server = realm.service.principal, from: Credentials = tgt, now = NOW) =>
  makeTgsReq(from, server, { etypes: [3], ...wish }, now);
const verify = (request: GrantTicketRequest, now = NOW) =>
  verifyTgsReq(request, realm.krbtgt, realm.policy, now);
const issue = (request: GrantTicketRequest, changes: Partial<TgsContext> = {}, now = NOW) =>
  issueServiceTicket(verify(request, now), { ...context, ...changes }, now);

describe.each([...ENCRYPTION_TYPES.values()].map((row) => [row.name, row] as const))(
  "with %s, a TGT",
  (_, row) => {
    test("becomes a service ticket that client and service understand alike", () => {
      const home = makeRealm(row.etype);
      const own = login(home).credentials;
      const { credentials, ticket, reply } = grantTicket(home, own, {}, NOW + MINUTE);
      expect(credentials).toMatchObject({
        client: "alice@EXAMPLE.TEST",
        server: "notes/localhost@EXAMPLE.TEST",
        flags: [PRE_AUTHENT],
        authtime: NOW,
        starttime: NOW + MINUTE,
        endtime: NOW + 10 * HOUR,
        renewTill: undefined,
      });
      expect(reply.kdcOffset).toBe(0);
      const { principal, keys } = home.service;
      const opened = openTicket(credentials.ticket, { principal, keys }, [row.etype]);
      expect(opened).toEqual(ticket);
      expect(opened.sessionKey.exportBytes()).toEqual(credentials.key.exportBytes());
      expect(opened.sessionKey.exportBytes()).not.toEqual(own.key.exportBytes());
    });
  },
);

describe("the TGS", () => {
  const body = ask().request.body;
  const { blobs } = makeApReq(tgt, TGS_USE, body, undefined, NOW);
  describeApReq({
    blobs,
    service: realm.krbtgt,
    sessionKey: tgt.key,
    use: TGS_USE,
    verify: (shown, now = NOW) => verify({ ...ask().request, ...shown, body }, now).apReq,
  });
});

describe("the body of a request", () => {
  /** A body that the authenticator was made for, whatever it says. */
  const signed = (body: Uint8Array): GrantTicketRequest => ({
    ...ask().request,
    ...makeApReq(tgt, TGS_USE, body, undefined, NOW).blobs,
    body,
  });
  const altered = (alter: (body: KdcReqBody) => unknown) => {
    const { body } = ask().pending;
    alter(body);
    return signed(toBinary(KdcReqBodySchema, body));
  };

  testMalformedFields("body", (alter) => issue(altered(alter)));

  test.each(EXTENSION_VECTORS)("is judged by its extensions: $name", (vector) => {
    const run = () => issue(altered((body) => (body.extensions = vector.extensions)));
    if (vector.code === undefined) expect(run).not.toThrow();
    else expectRefusal(run, vector.code, extensionDetails(vector, "body.extensions"));
  });
  testImpossibleWishes((alter) => issue(altered(alter)));

  const vectors: {
    name: string;
    alter: (body: KdcReqBody) => unknown;
    code: KrbErrorName;
    details?: Record<string, string>;
  }[] = [
    {
      name: "no server",
      alter: (b) => (b.server = ""),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.server" },
    },
    {
      name: "a server that is no principal",
      alter: (b) => (b.server = "notes"),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.server" },
    },
    {
      name: "the server __proto__",
      alter: (b) => (b.server = "__proto__@EXAMPLE.TEST"),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.server" },
    },
    {
      name: "a server too long",
      alter: (b) => (b.server = `${"a".repeat(300)}@EXAMPLE.TEST`),
      code: "KRB_ERR_FIELD_TOOLONG",
      details: { field: "body.server" },
    },
    {
      name: "a server of another realm",
      alter: (b) => (b.server = "notes/localhost@OTHER"),
      code: "KDC_ERR_WRONG_REALM",
    },
    {
      name: "another realm's TGS",
      alter: (b) => (b.server = krbtgtOf("OTHER")),
      code: "KDC_ERR_WRONG_REALM",
    },
    {
      name: "the TGS itself",
      alter: (b) => (b.server = TGS),
      code: "KDC_ERR_POLICY",
      details: { rule: "tgs-issues-no-tgt" },
    },
    {
      name: "no nonce",
      alter: (b) => (b.nonce = new Uint8Array()),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.nonce" },
    },
    {
      name: "the option renew for a service",
      alter: (b) => (b.options = [RENEW]),
      code: "KDC_ERR_BADOPTION",
      details: { option: "renew" },
    },
  ];
  test.each(vectors)("is refused with $name", ({ alter, code, details }) => {
    expectRefusal(() => issue(altered(alter)), code, details);
  });

  test.each(vectors)(
    "is refused as altered where the authenticator was made for another: $name",
    ({ alter }) => {
      const request = { ...ask().request, body: altered(alter).body };
      expectRefusal(() => verify(request), modified, { field: "checksum" });
    },
  );

  test("without a server is told that one is required", () => {
    expect(refusalOf(() => verify(altered((b) => (b.server = "")))).message).toBe("body.server: required");
  });

  test("absent is refused", () => {
    expectRefusal(() => verify({ ...ask().request, body: new Uint8Array() }), "KRB_ERR_GENERIC", {
      field: "body",
    });
    expectRefusal(() => verify(signed(new Uint8Array())), "KRB_ERR_GENERIC", { field: "body" });
  });

  test.each<[string, (request: GrantTicketRequest) => Uint8Array]>([
    ["random bytes", () => new Uint8Array(40).fill(0xa5)],
    ["the ticket", (request) => request.ticket],
    ["the authenticator", (request) => request.authenticator],
    ["a byte more", (request) => Uint8Array.of(...request.body, 0)],
    ["a byte less", (request) => request.body.slice(0, -1)],
    ["the body twice", (request) => Uint8Array.of(...request.body, ...request.body)],
    ["an unknown field", (request) => Uint8Array.of(...request.body, 0x78, 1)],
  ])("is refused as %s, altered or signed", (_, bytes) => {
    const { request } = ask();
    const body = bytes(request);
    expectRefusal(() => verify({ ...request, body }), modified, { field: "checksum" });
    expectRefusal(() => verify(signed(body)), "KRB_ERR_GENERIC", { field: "body" });
  });

  test("is refused with any byte changed or cut off", () => {
    const { request } = ask();
    for (let i = 1; i < request.body.length; i++) {
      const body = Uint8Array.from(request.body);
      body[i]! ^= 1;
      expectRefusal(() => verify({ ...request, body }), modified, { field: "checksum" });
      expectRefusal(() => verify({ ...request, body: request.body.slice(0, i) }), modified, {
        field: "checksum",
      });
    }
  });

  test("is encoded once: the checksum covers the bytes that travel", () => {
    const { request, pending } = ask();
    expect(decodeBlob(KdcReqBodySchema, request.body, "body")).toEqual(pending.body);
    expect(toBinary(KdcReqBodySchema, pending.body)).toEqual(request.body);
  });
});

describe("the TGT", () => {
  test("is taken as long as the skew beyond its end, yet gives no further life", () => {
    const late = tgt.endtime + SKEW;
    const { request } = ask({}, undefined, tgt, late);
    expect(verify(request, late).server).toBe("notes/localhost@EXAMPLE.TEST");
    expectRefusal(() => issue(request, {}, late), "KDC_ERR_NEVER_VALID");
    const { request: later } = ask({}, undefined, tgt, late + 1);
    expectRefusal(() => verify(later, late + 1), "KRB_AP_ERR_TKT_EXPIRED", {
      endtime: "2026-03-01T22:00:00.000Z",
    });
  });

  test("gives a ticket of a millisecond in its last millisecond", () => {
    const now = tgt.endtime - 1;
    const { request, pending } = ask({}, undefined, tgt, now);
    const { response } = issue(request, {}, now);
    expect(openTgsRep(response, pending, now).credentials).toMatchObject({
      starttime: now,
      endtime: now + 1,
    });
    expectRefusal(() => issue(ask({}, undefined, tgt, now + 1).request, {}, now + 1), "KDC_ERR_NEVER_VALID");
  });

  test("that no KDC of this realm makes is refused: a life of ten years", () => {
    const ticket = resealTicket(tgt.ticket, realm.krbtgt, (part) => {
      part.endtime = toTimestamp(NOW + 3650 * DAY);
    });
    expectRefusal(() => issue(ask({}, undefined, { ...tgt, ticket }).request), "KDC_ERR_POLICY", {
      rule: "tgt-max-life",
    });
  });

  test("gives its flags to a service ticket and to a renewed TGT, and no flag that it lacks", () => {
    const from = login(realm, { options: [RENEWABLE] }).credentials;
    const flagsFrom = (flags: TicketFlag[], options: KdcOption[]) => {
      const ticket = resealTicket(from.ticket, realm.krbtgt, (part) => {
        part.flags = flags;
      });
      const server = options.includes(RENEW) ? TGS : realm.service.principal;
      const service = options.includes(RENEW) ? realm.krbtgt : realm.service;
      return issue(ask({ options }, server, { ...from, ticket }).request, { service }).ticket.flags;
    };
    expect(flagsFrom([RENEWABLE_FLAG, INITIAL], [])).toEqual([]);
    expect(flagsFrom([RENEWABLE_FLAG, INITIAL, PRE_AUTHENT], [])).toEqual([PRE_AUTHENT]);
    expect(flagsFrom([RENEWABLE_FLAG, PRE_AUTHENT], [RENEW])).not.toContain(INITIAL);
    expect(flagsFrom([RENEWABLE_FLAG, INITIAL], [RENEW])).toContain(INITIAL);
    expect(flagsFrom([RENEWABLE_FLAG, INITIAL], [RENEW])).not.toContain(PRE_AUTHENT);
  });

  test("is no service ticket: one shown to the TGS is refused", () => {
    const { credentials } = grantTicket(realm, tgt);
    expectRefusal(() => verify(ask({}, undefined, credentials).request), "KRB_AP_ERR_NOT_US", {
      server: TGS,
    });
  });

  test("of an old key version is taken as long as the TGS holds that key", () => {
    const krbtgt = { ...realm.krbtgt, keys: [...makeKeys([3], 2), ...realm.krbtgt.keys] };
    expect(verifyTgsReq(ask().request, krbtgt, realm.policy, NOW).apReq.client).toBe("alice@EXAMPLE.TEST");
    const purged = { ...realm.krbtgt, keys: makeKeys([3], 2) };
    expectRefusal(() => verifyTgsReq(ask().request, purged, realm.policy, NOW), "KRB_AP_ERR_BADKEYVER", {
      ticket_kvno: "1",
      held_kvno: "2",
    });
  });
});

describe("who asks, and for what", () => {
  const user = makeEntry("bob", [3], { passwordKeyed: true });
  const rows: { name: string; context: Partial<TgsContext>; server?: PrincipalEntry; code: KrbErrorName }[] =
    [
      { name: "an unknown service", context: { service: undefined }, code: "KDC_ERR_S_PRINCIPAL_UNKNOWN" },
      {
        name: "a user as the service",
        context: { service: user },
        server: user,
        code: "KDC_ERR_MUST_USE_USER2USER",
      },
      {
        name: "a disabled service",
        context: { service: { ...realm.service, disabled: true } },
        code: "KDC_ERR_SERVICE_REVOKED",
      },
      {
        name: "an expired service",
        context: { service: { ...realm.service, expiresAt: NOW } },
        code: "KDC_ERR_SERVICE_EXP",
      },
      {
        name: "a service without keys",
        context: { service: { ...realm.service, keys: [] } },
        code: "KDC_ERR_ETYPE_NOSUPP",
      },
      {
        name: "a service permitted no life",
        context: { service: { ...realm.service, maxLife: 0 } },
        code: "KDC_ERR_NEVER_VALID",
      },
      {
        name: "a client deleted since its login",
        context: { client: undefined },
        code: "KDC_ERR_CLIENT_REVOKED",
      },
      {
        name: "a client disabled since its login",
        context: { client: { ...realm.alice, disabled: true } },
        code: "KDC_ERR_CLIENT_REVOKED",
      },
      {
        name: "a client expired since its login",
        context: { client: { ...realm.alice, expiresAt: NOW } },
        code: "KDC_ERR_CLIENT_REVOKED",
      },
      {
        name: "a client permitted no life",
        context: { client: { ...realm.alice, maxLife: 0 } },
        code: "KDC_ERR_NEVER_VALID",
      },
    ];
  test.each(rows)("is refused: $name", ({ context: changes, server = realm.service, code }) => {
    expectRefusal(() => issue(ask({}, server.principal).request, changes), code);
  });

  test("is named in the ticket as the TGT and the body say, and by nothing in clear", () => {
    const { ticket } = issue(ask().request);
    expect(ticket).toMatchObject({
      client: "alice@EXAMPLE.TEST",
      server: "notes/localhost@EXAMPLE.TEST",
      authtime: NOW,
    });
  });
});

describe("encryption types are chosen apart", () => {
  const policy = makePolicy();
  const issued = (asked: number[], held: number[], changes: Partial<TgsContext> = {}) => {
    const service = makeEntry("notes/localhost", held);
    const { request, pending } = ask({ etypes: asked });
    const { response, etypes } = issue(request, { service, policy, ...changes });
    expect(openTgsRep(response, pending, NOW).credentials.key.etype.etype).toBe(etypes.session);
    return etypes;
  };
  const DES = { reply: 3 };

  test.each<[string, number[], number[], object]>([
    [
      "the session key by strength, not by the client's order",
      [3, 16, 20],
      [20, 16, 3],
      { ...DES, ticket: 20, session: 20 },
    ],
    [
      "the ticket by the service's best key, though the client asks for DES alone",
      [3],
      [20, 3],
      { ...DES, ticket: 20, session: 3 },
    ],
    ["the session key among what the service has too", [20, 3], [3], { ...DES, ticket: 3, session: 3 }],
    ["a lesson key only where nothing better is common", [-1, 3], [3, -1], { ...DES, ticket: 3, session: 3 }],
  ])("%s", (_, asked, held, etypes) => {
    expect(issued(asked, held)).toEqual(etypes);
  });

  test("and never a weak one where the realm permits none", () => {
    const strict = makePolicy({ permittedEtypes: [20, 19] });
    expect(issued([3, 20], [20, 3], { policy: strict })).toEqual({ ...DES, ticket: 20, session: 20 });
    expectRefusal(() => issued([3], [20, 3], { policy: strict }), "KDC_ERR_ETYPE_NOSUPP", {
      asked: "3",
      held: "20 3",
    });
    expectRefusal(() => issued([20, 3], [3], { policy: strict }), "KDC_ERR_ETYPE_NOSUPP");
  });
});

describe("times", () => {
  const renewable = login(realm, { options: [RENEWABLE] }).credentials;
  const life = (from: Credentials, wish: object, changes: Partial<TgsContext> = {}, now = NOW) => {
    const { request, pending } = ask(wish, undefined, from, now);
    const { response } = issue(request, changes, now);
    const { endtime, renewTill, flags } = openTgsRep(response, pending, now).credentials;
    return [endtime - now, renewTill === undefined ? undefined : renewTill - now, flags];
  };

  test.each<[string, Credentials, object, number, number | undefined]>([
    ["end with the TGT", tgt, {}, 10 * HOUR, undefined],
    ["end earlier as asked", tgt, { till: NOW + 1 }, 1, undefined],
    ["end with the TGT though more is asked", tgt, { till: NOW + DAY }, 10 * HOUR, undefined],
    ["are not renewable from a TGT that is not", tgt, { options: [RENEWABLE] }, 10 * HOUR, undefined],
    ["are renewable as long as the TGT", renewable, { options: [RENEWABLE] }, 10 * HOUR, 7 * DAY],
    [
      "are renewable no longer than the TGT",
      renewable,
      { options: [RENEWABLE], renewTill: NOW + 8 * DAY },
      10 * HOUR,
      7 * DAY,
    ],
    [
      "are renewable until as asked",
      renewable,
      { options: [RENEWABLE], renewTill: NOW + DAY },
      10 * HOUR,
      DAY,
    ],
    ["are not renewable unasked", renewable, {}, 10 * HOUR, undefined],
    [
      "are renewable in place of a longer life",
      renewable,
      { options: [RENEWABLE_OK], till: NOW + DAY },
      10 * HOUR,
      DAY,
    ],
  ])("%s", (_, from, wish, endtime, renewTill) => {
    const flags = renewTill === undefined ? [PRE_AUTHENT] : [RENEWABLE_FLAG, PRE_AUTHENT];
    expect(life(from, wish)).toEqual([endtime, renewTill, flags]);
  });

  test("are limited by client and service", () => {
    expect(life(tgt, {}, { service: { ...realm.service, maxLife: HOUR } })[0]).toBe(HOUR);
    expect(life(tgt, {}, { client: { ...realm.alice, maxLife: MINUTE } })[0]).toBe(MINUTE);
    const service = { ...realm.service, maxRenewableLife: DAY };
    expect(life(renewable, { options: [RENEWABLE] }, { service })[1]).toBe(DAY);
  });
});

describe("renewal", () => {
  const renewable = login(realm, { options: [RENEWABLE] }).credentials;
  const renew = (from: Credentials, now: number, wish: object = {}) => {
    const { request, pending } = ask({ options: [RENEW], ...wish }, TGS, from, now);
    const { response } = issue(request, { service: realm.krbtgt }, now);
    return openTgsRep(response, pending, now).credentials;
  };

  test("gives a TGT as long as the old one, with a new key and the same limit", () => {
    const now = NOW + 9 * HOUR;
    const renewed = renew(renewable, now);
    expect(renewed).toMatchObject({
      server: TGS,
      flags: [RENEWABLE_FLAG, INITIAL, PRE_AUTHENT],
      authtime: NOW,
      starttime: now,
      endtime: now + 10 * HOUR,
      renewTill: NOW + 7 * DAY,
    });
    expect(renewed.key.exportBytes()).not.toEqual(renewable.key.exportBytes());
  });

  test("goes on until its limit; the TGT that lasts until then is renewable no more", () => {
    let current = renewable;
    let now = NOW;
    while (current.endtime < NOW + 7 * DAY) {
      now = current.endtime - 1;
      current = renew(current, now);
    }
    expect(current.endtime).toBe(NOW + 7 * DAY);
    expect(current).toMatchObject({ flags: [INITIAL, PRE_AUTHENT], renewTill: undefined });
    expectRefusal(() => renew(current, NOW + 7 * DAY - 1), "KDC_ERR_BADOPTION", { option: "renew" });
  });

  test("ends earlier where that is asked, and is renewable no longer than is asked", () => {
    expect(renew(renewable, NOW, { till: NOW + HOUR }).endtime).toBe(NOW + HOUR);
    expect(renew(renewable, NOW, { renewTill: NOW + DAY }).renewTill).toBe(NOW + DAY);
    const last = renew(renewable, NOW, { renewTill: NOW + HOUR });
    expect(last).toMatchObject({ flags: [INITIAL, PRE_AUTHENT], renewTill: undefined });
  });

  test("does not lengthen a life that was once cut short", () => {
    const short = renew(renewable, NOW, { till: NOW + HOUR });
    expect(renew(short, NOW + MINUTE).endtime).toBe(NOW + MINUTE + HOUR);
  });

  test.each<[string, Credentials, number, KrbErrorName]>([
    ["of a TGT that is not renewable", tgt, NOW, "KDC_ERR_BADOPTION"],
    ["of an expired TGT", renewable, NOW + 10 * HOUR + SKEW + 1, "KRB_AP_ERR_TKT_EXPIRED"],
  ])("%s is refused", (_, from, now, code) => {
    expectRefusal(() => renew(from, now), code);
  });

  test("of a service ticket is refused, for the service and for the TGS", () => {
    const { credentials } = grantTicket(realm, renewable, { options: [RENEWABLE] });
    expect(credentials.flags).toContain(RENEWABLE_FLAG);
    expectRefusal(
      () =>
        ask({ options: [RENEW] }, undefined, credentials) &&
        verify(ask({ options: [RENEW] }, undefined, credentials).request),
      "KRB_AP_ERR_NOT_US",
    );
    expectRefusal(() => issue(ask({ options: [RENEW] }, undefined, renewable).request), "KDC_ERR_BADOPTION", {
      option: "renew",
    });
  });

  test("is refused to a client that is no longer active", () => {
    const { request } = ask({ options: [RENEW] }, TGS, renewable);
    expectRefusal(
      () => issue(request, { service: realm.krbtgt, client: undefined }),
      "KDC_ERR_CLIENT_REVOKED",
    );
  });
});

describe("a subkey in the authenticator", () => {
  const subkey = makeSubkey(tgt.key);
  const { body } = ask().request;
  const { blobs } = makeApReq(tgt, TGS_USE, body, { subkey, seqNumber: 1 }, NOW);
  const { response } = issue({ ...ask().request, ...blobs, body });

  test("seals the reply in place of the session key (RFC 4120 §3.3.3)", () => {
    const part = unsealFromBytes(
      { key: subkey, usage: KeyUsage.TGS_REP_SUBKEY },
      "encTgsRepPart",
      response.encPart,
      "enc_part",
      cannot,
    );
    expect(part.client).toBe("alice@EXAMPLE.TEST");
    expectRefusal(() => openTgsRep(response, ask().pending, NOW), "KRB_AP_ERR_BAD_INTEGRITY", {
      part: "reply",
    });
  });
});

describe("the client", () => {
  const renewable = login(realm, { options: [RENEWABLE] }).credentials;
  const { request, pending } = ask(
    { etypes: [20, 3], till: NOW + HOUR, options: [RENEWABLE], renewTill: NOW + DAY },
    undefined,
    renewable,
  );
  const { response } = issue(request);
  const sealing = { key: renewable.key, usage: KeyUsage.TGS_REP_SESSION_KEY };
  const open = (changes: Partial<GrantTicketResponse>, now = NOW) =>
    openTgsRep({ ...response, ...changes }, pending, now);

  describeKdcReply({
    response,
    sealing,
    kind: "encTgsRepPart",
    open,
    flags: [RENEWABLE_FLAG, PRE_AUTHENT],
    own: request.authenticator,
    other: issue(ask({}, undefined, renewable).request).response,
  });

  test("refuses its own body as the sealed part", () => {
    expectRefusal(() => open({ encPart: request.body }), "KRB_ERR_GENERIC", { field: "enc_part" });
  });

  test("refuses a reply under the key of its login", () => {
    const login = { key: keyOf(realm.alice), usage: KeyUsage.AS_REP };
    const encPart = sealToBytes(login, "encTgsRepPart", emptyPart("encTgsRepPart"));
    expectRefusal(() => open({ encPart }), "KRB_AP_ERR_BAD_INTEGRITY", { part: "reply" });
  });

  test("refuses the reply to another user's request for the same service", () => {
    const bob = { ...realm, alice: makeEntry("bob", [3], { passwordKeyed: true }) };
    const { response: theirs } = grantTicket(bob, login(bob).credentials);
    expectRefusal(() => open(theirs), "KRB_AP_ERR_BAD_INTEGRITY", { part: "reply" });
  });

  test("can't tell a ticket swapped under way, but the service can", () => {
    const other = grantTicket(realm, tgt, {}, NOW, makeEntry("other/host")).credentials;
    expect(open({ ticket: other.ticket }).credentials.ticket).toEqual(other.ticket);
    const { principal, keys } = realm.service;
    expectRefusal(() => openTicket(other.ticket, { principal, keys }, [3]), "KRB_AP_ERR_NOT_US");
  });

  test("is named in the request by the TGT alone", () => {
    const { request: forged } = ask({}, undefined, { ...tgt, client: named("bob") });
    expectRefusal(() => verify(forged), "KRB_AP_ERR_BADMATCH");
  });
});

function cannot(): never {
  throw new Error("the reply should have opened");
}
