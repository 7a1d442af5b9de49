/**
 * The client against an AS, a TGS and a V that alter their replies in any way, with the keys or without
 * them. It takes a reply that says what the honest one said, and no other; of a bad one it keeps, shows and
 * hands over nothing. Advice, which nobody signs, never brings it below its floor.
 */
import { create, type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { EchoRequestSchema, EchoResponseSchema, KrbError, RpcError } from "../../src/client/index.js";
import { AccessResponseSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { AuthenticateResponseSchema } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { EtypeInfo2Schema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { SealedPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { GrantTicketResponseSchema } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import type { Key } from "../../src/protocol/keys.js";
import { keyOf, PASSWORDS, startRealm, type TestRealm } from "../support/realm.js";
import { standBetween } from "../support/wire-middle.js";
import { type Edit, edited, edits } from "./edits.js";
import { CALLS, PATIENCE, triedCalls } from "./runs.js";

const ECHO = { request: EchoRequestSchema, response: EchoResponseSchema };
const TEXTBOOK = { permitted: [20, 19, 3], first: 3 };
const RUNS = Math.ceil(CALLS / 4);

let realm: TestRealm;
let middle: Awaited<ReturnType<typeof standBetween>>;
let alice: Key;
/** What becomes of the next replies; undefined: they are honest. */
let lie: Partial<Record<"as" | "tgs" | "v", <M>(honest: M) => M>> = {};
let advice: { etype: number; salt: string; s2kparams: Uint8Array } | undefined;
const proofs: number[] = [];

beforeAll(async () => {
  realm = await startRealm();
  alice = await keyOf(realm, "alice");
  middle = await standBetween(realm, {
    authenticate: async (request, pass) => {
      for (const { value } of request.padata) proofs.push(fromBinary(EncryptedDataSchema, value).etype);
      if (advice === undefined) return (lie.as ?? same)(await pass(request));
      const info = create(EtypeInfo2Schema, { entries: [advice] });
      throw new KrbError("KDC_ERR_PREAUTH_REQUIRED", "prove it", {}, info);
    },
    grantTicket: async (request, pass) => (lie.tgs ?? same)(await pass(request)),
    access: async (request, pass) => (lie.v ?? same)(await pass(request)),
  });
});
afterAll(async () => {
  await middle[Symbol.asyncDispose]();
  await realm.close();
});

beforeEach(() => {
  lie = {};
  advice = undefined;
});

const same = <M>(honest: M): M => honest;
const inCase = fc.record({ changes: edits, isUnderSeal: fc.boolean() });

/** A reply altered in its own bytes; one that is no message any more can't come from a server of gRPC. */
function alteredReply<S extends DescMessage>(schema: S, honest: MessageShape<S>, changes: readonly Edit[]) {
  try {
    return fromBinary(schema, edited(toBinary(schema, honest), changes));
  } catch {
    throw new KrbError("KRB_ERR_GENERIC", "no message");
  }
}

/** A sealed part whose contents were altered, under the same key. */
function alteredPart(sealed: Uint8Array, key: Key, usage: number, changes: readonly Edit[]) {
  const data = fromBinary(EncryptedDataSchema, sealed);
  const plaintext = key.cipher.decrypt(usage, data.cipher);
  const altered = edited(plaintext, changes);
  const cipher = key.cipher.encrypt(usage, altered);
  return { sealed: toBinary(EncryptedDataSchema, { ...data, cipher }), says: isLike(altered, plaintext) };
}

/**
 * Whether a reply of a KDC says who, for whom, of which types and with which nonce as the honest one. Its
 * times and the session key are the KDC's to choose; `times.test.ts` judges these.
 */
function isLike(altered: Uint8Array, honest: Uint8Array): boolean {
  const [one, other] = [altered, honest].map(readReply);
  return (
    one !== undefined &&
    other !== undefined &&
    Buffer.compare(one.nonce, other.nonce) === 0 &&
    one.client === other.client &&
    one.server === other.server &&
    one.etypes.join() === other.etypes.join()
  );
}

/** The reply in a plaintext, less the zeros that DES fills its last block with. */
function readReply(plaintext: Uint8Array) {
  const filled = Buffer.concat([plaintext, Buffer.alloc(-plaintext.length & 7)]);
  for (
    let zeros = 0;
    zeros < 8 && filled.subarray(filled.length - zeros).every((byte) => byte === 0);
    zeros++
  )
    try {
      const { part } = fromBinary(SealedPartSchema, filled.subarray(0, filled.length - zeros));
      if (part.case === "encAsRepPart" || part.case === "encTgsRepPart") return part.value;
    } catch {
      // It ends elsewhere, or is none.
    }
  return undefined;
}

/** The same sealed bytes; beside them stands a version of the key, which is a hint and no more. */
function isSameCipher(altered: Uint8Array, honest: Uint8Array): boolean {
  try {
    const [one, other] = [altered, honest].map((bytes) => fromBinary(EncryptedDataSchema, bytes));
    return one!.etype === other!.etype && Buffer.compare(one!.cipher, other!.cipher) === 0;
  } catch {
    return false;
  }
}

/** The errors that a client's caller may see. */
function expectRefused(outcome: unknown): void {
  expect(outcome instanceof KrbError || outcome instanceof RpcError, String(outcome)).toBe(true);
}

test("an AS that lies: nothing is kept of a bad reply", { timeout: PATIENCE }, async () => {
  const property = fc.asyncProperty(inCase, async ({ changes, isUnderSeal }) => {
    let isGood = true;
    lie = {
      as: (honest) => {
        const reply = honest as MessageShape<typeof AuthenticateResponseSchema>;
        if (isUnderSeal) {
          const { sealed, says } = alteredPart(reply.encPart, alice, KeyUsage.AS_REP, changes);
          isGood = says;
          return { ...reply, encPart: sealed } as typeof honest;
        }
        isGood = false;
        const altered = alteredReply(AuthenticateResponseSchema, reply, changes);
        // The ticket is the TGS's to judge (RFC 4120 §3.1.5).
        isGood = altered.client === reply.client && isSameCipher(altered.encPart, reply.encPart);
        return altered as typeof honest;
      },
    };
    using client = realm.client({ kdc: middle.kdc, etypes: TEXTBOOK });
    const outcome = await client.login(realm.principal("alice"), PASSWORDS.alice).catch((error) => error);
    const cached = await client.cached();
    if (outcome instanceof Error) {
      expectRefused(outcome);
      expect(cached).toBeUndefined();
    } else expect([isGood, outcome.client]).toEqual([true, realm.principal("alice")]);
  });
  await triedCalls("lying AS", property, RUNS);
});

test("a TGS that lies: nothing is kept of a bad reply", { timeout: PATIENCE }, async () => {
  const client = realm.client({ kdc: middle.kdc, etypes: TEXTBOOK });
  const { key } = await client.login(realm.principal("alice"), PASSWORDS.alice);
  const property = fc.asyncProperty(inCase, async ({ changes, isUnderSeal }) => {
    let isGood = true;
    lie = {
      tgs: (honest) => {
        const reply = honest as MessageShape<typeof GrantTicketResponseSchema>;
        if (isUnderSeal) {
          const { sealed, says } = alteredPart(reply.encPart, key, KeyUsage.TGS_REP_SESSION_KEY, changes);
          isGood = says;
          return { ...reply, encPart: sealed } as typeof honest;
        }
        isGood = false;
        const altered = alteredReply(GrantTicketResponseSchema, reply, changes);
        isGood = isSameCipher(altered.encPart, reply.encPart) && altered.ticket.length > 0;
        return altered as typeof honest;
      },
    };
    using one = realm.client({ kdc: middle.kdc, etypes: TEXTBOOK });
    await one.login(realm.principal("alice"), PASSWORDS.alice);
    const before = (await one.cached())!.credentials.length;
    const outcome = await one.serviceTicket(realm.v.principal).catch((error) => error);
    const after = (await one.cached())!.credentials.length;
    if (outcome instanceof Error) {
      expectRefused(outcome);
      expect(after).toBe(before);
    } else expect([isGood, outcome.server, after]).toEqual([true, realm.v.principal, before + 1]);
  });
  await triedCalls("lying TGS", property, RUNS);
});

test("a V that lies: its answer is not handed over", { timeout: PATIENCE }, async () => {
  const client = realm.client({ kdc: middle.kdc, etypes: TEXTBOOK });
  await client.login(realm.principal("alice"), PASSWORDS.alice);
  const property = fc.asyncProperty(edits, fc.nat(), async (changes, n) => {
    let isGood = false;
    lie = {
      v: (honest) => {
        const reply = honest as MessageShape<typeof AccessResponseSchema>;
        const altered = alteredReply(AccessResponseSchema, reply, changes);
        isGood = isSameCipher(altered.apRep, reply.apRep) && isSameCipher(altered.response, reply.response);
        return altered as typeof honest;
      },
    };
    const text = `words ${n}`;
    const outcome = await client.access(middle.v, ECHO, { text }).catch((error) => error);
    if (outcome instanceof Error) expectRefused(outcome);
    else expect([isGood, outcome.text]).toEqual([true, text]);
  });
  await triedCalls("lying V", property, RUNS);
});

test("advice never brings a client below its floor", { timeout: PATIENCE }, async () => {
  const STANDARD = { permitted: [20, 19], first: 20 };
  const count = fc.oneof(
    fc.constantFrom(0, 1, 4096, 32_767, 2 ** 31, 2 ** 32 - 1),
    fc.integer({ min: 0, max: 32_767 }),
  );
  const some = fc.record({
    etype: fc.oneof(fc.constantFrom(20, 19, 18, 17, 16, 3, 1, 23, 0, -1, -2), fc.integer()),
    salt: fc.constantFrom("", "x", "TEST.EXAMPLE", "TEST.EXAMPLEalice", "TEST.EXAMPLEbob"),
    s2kparams: fc.oneof(
      count.map((iterations) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(iterations);
        return bytes;
      }),
      fc.uint8Array({ maxLength: 6 }).filter((bytes) => bytes.length !== 4),
    ),
  });
  const property = fc.asyncProperty(some, async (given) => {
    // Advice within the floor is followed, and costs a hash: one of its kind is enough, in
    // dishonest-servers.test.ts.
    fc.pre(!(STANDARD.permitted.includes(given.etype) && given.s2kparams.length === 0));
    advice = given;
    proofs.length = 0;
    using client = realm.client({ kdc: middle.kdc, etypes: STANDARD });
    const outcome = await client.login(realm.principal("alice"), PASSWORDS.alice).catch((error) => error);
    advice = undefined;
    expectRefused(outcome);
    expect(proofs.length).toBeLessThanOrEqual(1);
    expect(proofs.every((etype) => STANDARD.permitted.includes(etype))).toBe(true);
    expect(await client.cached()).toBeUndefined();
  });
  await triedCalls("advice", property, Math.ceil(RUNS / 8));
});
