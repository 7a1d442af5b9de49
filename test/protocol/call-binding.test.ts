import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test, vi } from "vitest";
import { sha256 } from "../../src/crypto/hash.js";
import { ApReqSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import type { Extension } from "../../src/gen/kerberos/v1/extension_pb.js";
import { CallBindingSchema, ProtectionLevel } from "../../src/gen/kerberos/v1/guard_pb.js";
import { makeApReq, makeSubkey } from "../../src/protocol/ap-exchange.js";
import { makeApProof, makeApRep, verifyApProof, verifyApRep } from "../../src/protocol/ap-rep.js";
import { AP_USE } from "../../src/protocol/authenticator.js";
import {
  type BoundCall,
  callBinding,
  isAtLeast,
  isProtected,
  MAX_AP_REQ_BYTES,
  makeCallApReq,
  needsSubkeys,
  PROTECTIONS,
  readApReq,
} from "../../src/protocol/call-binding.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { Key } from "../../src/protocol/keys.js";
import { grantTicket, login, makeRealm, NOW, reseal, servicePolicy } from "../support/entries.js";
import { EXTENSION_VECTORS, extension, extensionDetails } from "../support/extension-vectors.js";
import { digestOf, type RawCall, verifyCall } from "../support/verify-call.js";
import { expectRefusal, refusalOf } from "./refusal.js";

const realm = makeRealm(20);
const { credentials } = grantTicket(realm, login(realm).credentials);
const policy = servicePolicy(realm);
const UNARY = { requestStream: false, responseStream: false };
const REQUEST = Buffer.from("a request");
const facts: BoundCall = {
  method: "/orders.v1.OrderService/Get",
  authority: "api.example.test",
  protection: "authenticate",
  requestSha256: sha256(REQUEST),
};

const RAW: RawCall = { method: facts.method, authority: facts.authority, request: REQUEST, ...UNARY };

describe("a call's binding", () => {
  test("is the canonical encoding of a CallBinding", () => {
    const { $typeName: _, ...fields } = fromBinary(CallBindingSchema, callBinding(facts));
    expect(fields).toEqual({
      method: facts.method,
      authority: facts.authority,
      protection: ProtectionLevel.AUTHENTICATE,
      requestSha256: facts.requestSha256,
      extensions: [],
    });
  });

  test("is that of its own method, authority and protection, after however many others", () => {
    const read = ({ method, authority, protection }: BoundCall) =>
      fromBinary(CallBindingSchema, callBinding({ ...facts, method, authority, protection }));
    for (let round = 0; round < 2; round++)
      for (let i = 0; i < 300; i++) {
        const authority = `${i} /b`;
        expect(read({ ...facts, method: "/a", authority })).toMatchObject({ method: "/a", authority });
      }
    const [whole, moved] = [
      { ...facts, method: "/a", authority: "b /c" },
      { ...facts, method: "/ab", authority: " /c" },
    ];
    for (const { method, authority } of [whole, moved, whole])
      expect(read({ ...facts, method, authority })).toMatchObject({ method, authority });
    expect(read({ ...facts, protection: "privacy" }).protection).toBe(ProtectionLevel.PRIVACY);
  });

  test("can be changed without changing the next", () => {
    for (const requestSha256 of [undefined, facts.requestSha256]) {
      const expected = Uint8Array.from(callBinding({ ...facts, requestSha256 }));
      callBinding({ ...facts, requestSha256 }).fill(0);
      expect(Uint8Array.from(callBinding({ ...facts, requestSha256 }))).toEqual(expected);
    }
  });

  test("of a stream has no digest, of an empty request has one", () => {
    const digest = (request: Uint8Array | undefined) =>
      fromBinary(CallBindingSchema, callBinding({ ...facts, requestSha256: digestOf(request) }))
        .requestSha256;
    expect(digest(undefined)).toHaveLength(0);
    expect(digest(new Uint8Array())).toEqual(sha256(new Uint8Array()));
  });
});

describe("an AP-REQ", () => {
  const fresh = () => ({ subkey: makeSubkey(credentials.key), seqNumber: 7 });

  test("is good for the call it was made for, and brings the subkey", () => {
    const keys = fresh();
    const { bytes } = makeCallApReq(credentials, { ...facts, protection: "privacy" }, keys, NOW);
    const read = readApReq(bytes);
    expect(read.protection).toBe("privacy");
    const verified = verifyCall(read, RAW, policy, NOW);
    expect(verified.client).toBe(realm.alice.principal);
    expect(verified.subkey?.exportBytes()).toEqual(keys.subkey.exportBytes());
    expect(verified.authenticator.seqNumber).toBe(7);
  });

  test.each([
    { method: "/orders.v1.OrderService/Put" },
    { authority: "other.example.test" },
    { request: Buffer.from("another request") },
    { request: undefined },
  ])("is refused for a call with %o", (other) => {
    const read = readApReq(makeCallApReq(credentials, facts, undefined, NOW).bytes);
    expect(refusalOf(() => verifyCall(read, { ...RAW, ...other }, policy, NOW)).reason).toBe(
      "KRB_AP_ERR_MODIFIED",
    );
  });

  describe("with extensions", () => {
    /** An AP-REQ whose authenticator covers `covered`, and that carries `carried`. */
    const extended = (covered: Extension[], carried: Extension[]) => {
      const { blobs } = makeApReq(credentials, AP_USE, callBinding(facts, covered), undefined, NOW);
      const apReq = { ...blobs, protection: ProtectionLevel.AUTHENTICATE, extensions: carried };
      return toBinary(ApReqSchema, create(ApReqSchema, apReq));
    };
    const verify = (bytes: Uint8Array) => verifyCall(readApReq(bytes), RAW, policy, NOW);

    test.each(EXTENSION_VECTORS)("is judged by them: $name", (vector) => {
      const run = () => verify(extended(vector.extensions, vector.extensions));
      if (vector.code === undefined) expect(run().client).toBe(realm.alice.principal);
      else expectRefusal(run, vector.code, extensionDetails(vector, "ap_req.extensions"));
    });

    const one = extension({ data: Uint8Array.of(1) });
    test.each([
      { name: "added", covered: [], carried: [one] },
      { name: "taken away", covered: [one], carried: [] },
      { name: "altered", covered: [one], carried: [extension({ data: Uint8Array.of(2) })] },
      { name: "made critical no more", covered: [extension({ critical: true })], carried: [extension()] },
    ])("is refused where one was $name on the way", ({ covered, carried }) => {
      expectRefusal(() => verify(extended(covered, carried)), "KRB_AP_ERR_MODIFIED", { field: "checksum" });
    });

    test("is covered as a CallBinding that has them last", () => {
      const { extensions, requestSha256 } = fromBinary(CallBindingSchema, callBinding(facts, [one]));
      expect(extensions).toEqual([one]);
      expect(requestSha256).toEqual(facts.requestSha256);
      const stream = { ...facts, requestSha256: undefined };
      expect(fromBinary(CallBindingSchema, callBinding(stream, [one])).extensions).toEqual([one]);
    });
  });

  test("is refused without a subkey where messages are protected", () => {
    const shapes = [
      { protection: "authenticate", requestStream: true, responseStream: false },
      { protection: "authenticate", requestStream: false, responseStream: true },
      { protection: "integrity", requestStream: false, responseStream: false },
    ] as const;
    for (const { protection, ...shape } of shapes) {
      const read = readApReq(makeCallApReq(credentials, { ...facts, protection }, undefined, NOW).bytes);
      expect(refusalOf(() => verifyCall(read, { ...RAW, ...shape }, policy, NOW))).toMatchObject({
        reason: "KRB_ERR_GENERIC",
        details: { field: "authenticator.subkey" },
      });
    }
  });

  test("is refused with a subkey or a sequence number where no message is protected", () => {
    const refused = (bytes: Uint8Array) => refusalOf(() => verifyCall(readApReq(bytes), RAW, policy, NOW));
    const { bytes } = makeCallApReq(credentials, facts, fresh(), NOW);
    const wipe = vi.spyOn(Key.prototype, "wipe");
    expect(refused(bytes)).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: "authenticator.subkey" },
    });
    // Nobody else will: the subkey is not handed out.
    expect(wipe).toHaveBeenCalledTimes(1);
    wipe.mockRestore();
    const apReq = fromBinary(ApReqSchema, makeCallApReq(credentials, facts, undefined, NOW).bytes);
    const sealing = { key: credentials.key, usage: 11 };
    apReq.authenticator = reseal(apReq.authenticator, sealing, "authenticator", (part) => {
      part.seqNumber = 7;
    });
    expect(refused(toBinary(ApReqSchema, apReq))).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: "authenticator.seq_number" },
    });
  });

  test("is refused with a level of protection that is none", () => {
    const apReq = fromBinary(ApReqSchema, makeCallApReq(credentials, facts, undefined, NOW).bytes);
    for (const level of [0, 99])
      expectRefusal(
        () => readApReq(toBinary(ApReqSchema, { ...apReq, protection: level as ProtectionLevel })),
        "KRB_ERR_GENERIC",
        { field: "ap_req.protection" },
      );
  });

  test("travels in 4096 bytes at most", () => {
    const spare = MAX_AP_REQ_BYTES - makeCallApReq(credentials, facts, undefined, NOW).bytes.length;
    const padded = (by: number): Credentials => ({
      ...credentials,
      ticket: Buffer.concat([credentials.ticket, Buffer.alloc(by)]),
    });
    // A longer ticket has a longer length prefix at most once.
    expect(makeCallApReq(padded(spare - 2), facts, undefined, NOW).bytes.length).toBeLessThanOrEqual(4096);
    expect(refusalOf(() => makeCallApReq(padded(spare + 1), facts, undefined, NOW)).reason).toBe(
      "KRB_ERR_FIELD_TOOLONG",
    );
    expect(refusalOf(() => readApReq(new Uint8Array(4097))).reason).toBe("KRB_ERR_FIELD_TOOLONG");
  });

  test("is read in canonical form alone", () => {
    const { bytes } = makeCallApReq(credentials, facts, undefined, NOW);
    for (const wrong of [
      new Uint8Array(),
      Buffer.from("x"),
      Buffer.concat([bytes, bytes]),
      bytes.subarray(1),
    ])
      expect(refusalOf(() => readApReq(wrong))).toMatchObject({
        reason: "KRB_ERR_GENERIC",
        details: { field: "ap_req" },
      });
    expect(fromBinary(ApReqSchema, bytes).ticket).toEqual(Uint8Array.from(credentials.ticket));
  });
});

describe("the answer without a subkey", () => {
  const pair = () => {
    const { bytes, pending } = makeCallApReq(credentials, facts, undefined, NOW);
    return { pending, verified: verifyCall(readApReq(bytes), RAW, policy, NOW) };
  };

  test("proves the service for its own AP-REQ, and for no other", () => {
    const { pending, verified } = pair();
    const proof = makeApProof(verified);
    expect(() => verifyApProof(proof, pending)).not.toThrow();
    expect(refusalOf(() => verifyApProof(proof, pair().pending)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
    expect(refusalOf(() => verifyApProof(new Uint8Array(), pending)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
  });

  test("with a subkey or a sequence number that nothing needs is no proof", () => {
    const { pending, verified } = pair();
    const { bytes } = makeApRep(verified);
    const sealing = { key: credentials.key, usage: KeyUsage.AP_REP };
    const withoutSubkey = reseal(bytes, sealing, "encApRepPart", (part) => {
      delete part.subkey;
    });
    const withoutNumber = reseal(bytes, sealing, "encApRepPart", (part) => {
      part.seqNumber = 0;
    });
    for (const answer of [bytes, withoutSubkey, withoutNumber])
      expect(refusalOf(() => verifyApProof(answer, pending)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
  });

  test("is not enough where a subkey is needed", () => {
    const { pending, verified } = pair();
    expect(refusalOf(() => verifyApRep(makeApProof(verified), pending)).reason).toBe("KRB_AP_ERR_MUT_FAIL");
    expect(verifyApRep(makeApRep(verified).bytes, pending).seqNumber).toBeGreaterThan(0);
  });
});

test("authorization data is accepted of the types the service understands", () => {
  const element = { type: 5, data: Uint8Array.of(1) };
  const read = readApReq(makeCallApReq(credentials, facts, undefined, NOW).bytes);
  const opened = {
    ...verifyCall(read, RAW, policy, NOW).ticket,
    authorizationData: [element],
  };
  const verify = (authorizationData: number[]) =>
    verifyCall(read, RAW, { ...policy, authorizationData, openTicket: () => opened }, NOW);
  expect(verify([5]).ticket.authorizationData).toEqual([element]);
  expect(refusalOf(() => verify([6]))).toMatchObject({
    reason: "KDC_ERR_POLICY",
    details: { rule: "authorization-data", type: "5" },
  });
});

test("levels of protection have an order, and say which directions they protect", () => {
  for (const [a, one] of PROTECTIONS.entries())
    for (const [b, other] of PROTECTIONS.entries()) expect(isAtLeast(one, other)).toBe(a >= b);
  expect(PROTECTIONS.map((level) => isProtected(level, false))).toEqual([false, false, true, true]);
  expect(PROTECTIONS.map((level) => isProtected(level, true))).toEqual([false, true, true, true]);
  expect(needsSubkeys("authenticate", UNARY)).toBe(false);
  expect(needsSubkeys("authenticate", { requestStream: false, responseStream: true })).toBe(true);
  expect(needsSubkeys("integrity", UNARY)).toBe(true);
});
