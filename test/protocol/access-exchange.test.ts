import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import type { AccessRequest, AccessResponse } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { MessageKind } from "../../src/gen/kerberos/v1/guard_pb.js";
import type { EncPrivPart } from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  makeAccessRep,
  makeAccessReq,
  openAccessRep,
  verifyAccessReq,
} from "../../src/protocol/access-exchange.js";
import { makeApReq, makeSubkey } from "../../src/protocol/ap-exchange.js";
import { makeApRep } from "../../src/protocol/ap-rep.js";
import { AP_USE } from "../../src/protocol/authenticator.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { randomKey } from "../../src/protocol/keys.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { openData, sealData, TO_CLIENT, TO_SERVICE } from "../../src/protocol/private-message.js";
import { sealToBytes } from "../../src/protocol/sealed-part.js";
import {
  access,
  emptyPart,
  grantTicket,
  login,
  makeRealm,
  NOW,
  reseal,
  SKEW,
  servicePolicy,
} from "../support/entries.js";
import { describeApReq } from "./ap-req-suite.js";
import { expectRefusal, refusalOf } from "./refusal.js";

const realm = makeRealm();
const policy = servicePolicy(realm);
const { credentials } = grantTicket(realm, login(realm).credentials);
const question = new TextEncoder().encode("who am I?");
const make = () => makeAccessReq(credentials, question, NOW);
const verify = (request: AccessRequest, now = NOW) => verifyAccessReq(request, policy, now);
const subkey = makeSubkey(credentials.key);

/** A request whose authenticator covers exactly these bytes and holds `subkey`. */
function covering(request: Uint8Array, seqNumber = 5): AccessRequest {
  const { blobs } = makeApReq(credentials, AP_USE, request, { subkey, seqNumber }, NOW);
  return { ...make().request, ...blobs, request };
}

describe.each([...ENCRYPTION_TYPES.values()].map((row) => [row.name, row.etype] as const))(
  "with %s",
  (_, etype) => {
    const home = makeRealm(etype);
    const ticket = grantTicket(home, login(home).credentials).credentials;

    test.each([0, 1, 7, 8, 9, 1000])("a question of %d bytes is read and answered under seal", (length) => {
      const { asked, answer, request, response, verified } = access(
        home,
        ticket,
        new Uint8Array(length).fill(0x41),
      );
      expect(asked).toEqual(new Uint8Array(length).fill(0x41));
      expect(answer).toEqual(asked);
      expect(verified.client).toBe("alice@EXAMPLE.TEST");
      if (length >= 8)
        for (const bytes of [request.request, response.response])
          expect(Buffer.from(bytes).includes("AAAAAAAA")).toBe(false);
    });
  },
);

describe("V", () => {
  const made = make().request;
  describeApReq({
    blobs: made,
    service: realm.service,
    sessionKey: credentials.key,
    use: AP_USE,
    verify: (blobs, now = NOW) => verify({ ...made, ...blobs }, now).verified,
  });

  const sealed = (data = question, seqNumber = 5) => sealData(subkey, TO_SERVICE, seqNumber, data);
  const sealing = { key: subkey, usage: KeyUsage.REQUEST_DATA };
  const resealed = (alter: (part: EncPrivPart) => unknown) =>
    covering(reseal(sealed(), sealing, "encRequestPart", (part) => void alter(part)));

  const vectors: {
    name: string;
    request: () => AccessRequest;
    code: KrbErrorName;
    details?: Record<string, string>;
  }[] = [
    {
      name: "no payload",
      request: () => ({ ...make().request, request: new Uint8Array() }),
      code: "KRB_ERR_GENERIC",
      details: { field: "request" },
    },
    {
      name: "no payload, as signed",
      request: () => covering(new Uint8Array()),
      code: "KRB_ERR_GENERIC",
      details: { field: "request" },
    },
    {
      name: "random bytes, as signed",
      request: () => covering(new Uint8Array(50).fill(0xa5)),
      code: "KRB_ERR_GENERIC",
      details: { field: "request" },
    },
    {
      name: "the payload of another call",
      request: () => ({ ...make().request, request: make().request.request }),
      code: "KRB_AP_ERR_MODIFIED",
      details: { field: "checksum" },
    },
    {
      name: "the payload of another call, as signed",
      request: () => covering(make().request.request),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "request" },
    },
    {
      name: "a byte more",
      request: () => changed((bytes) => Uint8Array.of(...bytes, 0)),
      code: "KRB_AP_ERR_MODIFIED",
      details: { field: "checksum" },
    },
    {
      name: "a payload under the session key",
      request: () => covering(sealData(credentials.key, TO_SERVICE, 5, question)),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "request" },
    },
    {
      name: "a payload of the other direction",
      request: () => covering(sealData(subkey, TO_CLIENT, 5, question)),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "request" },
    },
    {
      name: "the ticket as the payload",
      request: () => covering(credentials.ticket),
      code: "KRB_ERR_GENERIC",
      details: { field: "request" },
    },
    {
      name: "an authenticator as the payload",
      request: () => covering(make().request.authenticator),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "request" },
    },
    {
      name: "an authenticator under the subkey as the payload",
      request: () => covering(sealToBytes(sealing, "authenticator", emptyPart("authenticator"))),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "request" },
    },
    {
      name: "another sequence number",
      request: () => resealed((part) => (part.seqNumber = 6)),
      code: "KRB_AP_ERR_BADORDER",
      details: { expected: "5", got: "6" },
    },
    {
      name: "no sequence number",
      request: () => resealed((part) => (part.seqNumber = 0)),
      code: "KRB_AP_ERR_BADORDER",
      details: { expected: "5", got: "0" },
    },
    {
      name: "an end marker",
      request: () => resealed((part) => (part.kind = MessageKind.END)),
      code: "KRB_AP_ERR_MODIFIED",
      details: { field: "request" },
    },
    {
      name: "the number of a call under a session",
      request: () => resealed((part) => (part.call = 1n)),
      code: "KRB_ERR_GENERIC",
      details: { field: "request.call" },
    },
    {
      name: "no subkey",
      request: () => withoutSubkey(),
      code: "KRB_ERR_GENERIC",
      details: { field: "authenticator.subkey" },
    },
  ];
  test.each(vectors)("refuses a request with $name", ({ request, code, details }) => {
    expectRefusal(() => verify(request()), code, details);
  });

  test("takes an empty question", () => {
    expect(verify(covering(sealed(new Uint8Array()))).userData).toEqual(new Uint8Array());
    expect(verify(resealed(() => {})).userData).toEqual(question);
  });

  test("refuses a payload with any byte changed or cut off", () => {
    const { request } = make();
    for (let i = 0; i < request.request.length; i++) {
      const bytes = Uint8Array.from(request.request);
      bytes[i]! ^= 1;
      expectRefusal(() => verify({ ...request, request: bytes }), "KRB_AP_ERR_MODIFIED", {
        field: "checksum",
      });
      expectRefusal(
        () => verify({ ...request, request: request.request.slice(0, i) }),
        i === 0 ? "KRB_ERR_GENERIC" : "KRB_AP_ERR_MODIFIED",
        { field: i === 0 ? "request" : "checksum" },
      );
    }
  });

  test("is of the same mind about each of the three fields when they come from two requests", () => {
    const [one, other] = [make().request, make().request];
    const mixed = (take: Partial<AccessRequest>) => refusalOf(() => verify({ ...one, ...take })).reason;
    expect(mixed({ authenticator: other.authenticator })).toBe("KRB_AP_ERR_MODIFIED");
    expect(mixed({ request: other.request })).toBe("KRB_AP_ERR_MODIFIED");
    const otherTicket = grantTicket(realm, login(realm).credentials).credentials.ticket;
    expect(mixed({ ticket: otherTicket })).toBe("KRB_AP_ERR_BAD_INTEGRITY");
  });

  function changed(change: (bytes: Uint8Array) => Uint8Array): AccessRequest {
    const { request } = make();
    return { ...request, request: change(request.request) };
  }

  function withoutSubkey(): AccessRequest {
    const request = sealed();
    return { ...make().request, ...makeApReq(credentials, AP_USE, request, undefined, NOW).blobs, request };
  }
});

describe("the client", () => {
  const { request, pending } = make();
  const { verified } = verify(request);
  const answer = new TextEncoder().encode("you are alice");
  const response = makeAccessRep(verified, answer);
  const { bytes: apRep, subkey: serviceKey, seqNumber } = makeApRep(verified);
  const open = (changes: Partial<AccessResponse>) => openAccessRep({ ...response, ...changes }, pending);

  test("reads the answer to its own question", () => {
    expect(open({})).toEqual(answer);
    expect(open({ apRep, response: sealData(serviceKey, TO_CLIENT, seqNumber, answer) })).toEqual(answer);
  });

  const vectors: {
    name: string;
    change: () => Partial<AccessResponse>;
    code: KrbErrorName;
    details?: Record<string, string>;
  }[] = [
    { name: "no proof", change: () => ({ apRep: new Uint8Array() }), code: "KRB_AP_ERR_MUT_FAIL" },
    {
      name: "its own authenticator as the proof",
      change: () => ({ apRep: request.authenticator }),
      code: "KRB_AP_ERR_MUT_FAIL",
    },
    {
      name: "its own payload as the proof",
      change: () => ({ apRep: request.request }),
      code: "KRB_AP_ERR_MUT_FAIL",
    },
    {
      name: "its own request fed back",
      change: () => ({ apRep: request.authenticator, response: request.request }),
      code: "KRB_AP_ERR_MUT_FAIL",
    },
    {
      name: "the payload as the proof",
      change: () => ({ apRep: response.response }),
      code: "KRB_AP_ERR_MUT_FAIL",
    },
    {
      name: "the proof of another call",
      change: () => ({ apRep: answerToAnother().apRep }),
      code: "KRB_AP_ERR_MUT_FAIL",
    },
    { name: "the whole answer to another call", change: answerToAnother, code: "KRB_AP_ERR_MUT_FAIL" },
    {
      name: "no payload",
      change: () => ({ response: new Uint8Array() }),
      code: "KRB_ERR_GENERIC",
      details: { field: "response" },
    },
    {
      name: "its own payload as the answer",
      change: () => ({ response: request.request }),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "response" },
    },
    {
      name: "the payload of another call",
      change: () => ({ response: answerToAnother().response }),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "response" },
    },
    {
      name: "a payload under the session key",
      change: () => ({ apRep, response: sealData(credentials.key, TO_CLIENT, seqNumber, answer) }),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "response" },
    },
    {
      name: "a payload of the other direction",
      change: () => ({ apRep, response: sealData(serviceKey, TO_SERVICE, seqNumber, answer) }),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "response" },
    },
    {
      name: "another sequence number",
      change: () => ({ apRep, response: sealData(serviceKey, TO_CLIENT, seqNumber + 1, answer) }),
      code: "KRB_AP_ERR_BADORDER",
      details: { expected: String(seqNumber), got: String(seqNumber + 1) },
    },
    {
      name: "an end marker",
      change: () => {
        const sealing = { key: serviceKey, usage: KeyUsage.RESPONSE_DATA };
        const part = { ...emptyPart("encResponsePart"), seqNumber, kind: 1 };
        return { apRep, response: sealToBytes(sealing, "encResponsePart", part) };
      },
      code: "KRB_AP_ERR_MODIFIED",
      details: { field: "response" },
    },
    {
      name: "the proof as the payload",
      change: () => ({ response: response.apRep }),
      code: "KRB_AP_ERR_BAD_INTEGRITY",
      details: { part: "response" },
    },
    {
      name: "a byte more of payload",
      change: () => ({ response: Uint8Array.of(...response.response, 0) }),
      code: "KRB_ERR_GENERIC",
      details: { field: "response" },
    },
  ];
  test.each(vectors)("refuses an answer with $name", ({ change, code, details }) => {
    expectRefusal(() => open(change()), code, details);
  });

  test("refuses a payload with any byte changed or cut off", () => {
    for (let i = 0; i < response.response.length; i++) {
      const bytes = Uint8Array.from(response.response);
      bytes[i]! ^= 1;
      for (const bad of [bytes, response.response.slice(0, i)])
        expect(["KRB_ERR_GENERIC", "KRB_AP_ERR_BAD_INTEGRITY"]).toContain(
          refusalOf(() => open({ response: bad })).reason,
        );
    }
  });

  test("gets an answer under another key than its question went under", () => {
    expect(() => openData(serviceKey, TO_SERVICE, 0, request.request)).toThrow("can't be opened");
  });

  function answerToAnother(): AccessResponse {
    return makeAccessRep(verify(make().request).verified, answer);
  }
});

describe("application data under seal", () => {
  const key = randomKey(etypeOf(20));
  test.each([0, 1, 2 ** 31, 2 ** 32 - 1])("keeps its sequence number: %d", (seqNumber) => {
    const bytes = sealData(key, TO_SERVICE, seqNumber, question);
    expect(openData(key, TO_SERVICE, seqNumber, bytes)).toEqual(question);
    expectRefusal(() => openData(key, TO_SERVICE, seqNumber + 1, bytes), "KRB_AP_ERR_BADORDER", {
      got: String(seqNumber),
    });
  });

  test("differs each time, though the question be the same", () => {
    expect(sealData(key, TO_SERVICE, 1, question)).not.toEqual(sealData(key, TO_SERVICE, 1, question));
  });
});

test("the skew is exact to the millisecond for V too", () => {
  const { request } = make();
  expect(() => verify(request, NOW + SKEW)).not.toThrow();
  expectRefusal(() => verify(request, NOW + SKEW + 1), "KRB_AP_ERR_SKEW", { side: "client is behind" });
});
