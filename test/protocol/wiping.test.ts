/** Keys are overwritten as soon as they are of no more use: SECURITY.md, "Memory". */
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AccessRequestSchema } from "../../src/gen/kerberos/v1/application_service_pb.js";
import { AuthenticatorSchema, EncKdcRepPartSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import {
  makeAccessRep,
  makeAccessReq,
  openAccessRep,
  verifyAccessReq,
} from "../../src/protocol/access-exchange.js";
import { makeApReq, makeSubkey, verifyApReq } from "../../src/protocol/ap-exchange.js";
import { AP_USE } from "../../src/protocol/authenticator.js";
import { fromEncryptionKey, toEncryptionKey } from "../../src/protocol/encryption-key.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { KeyUsage } from "../../src/protocol/key-usage.js";
import { defaultStringToKey, Key, keyFromPassword, randomKey } from "../../src/protocol/keys.js";
import { sealData, TO_SERVICE } from "../../src/protocol/private-message.js";
import { seal, unseal, unsealFromBytes } from "../../src/protocol/sealed-part.js";
import { access, grantTicket, login, makeRealm, NOW, named, servicePolicy } from "../support/entries.js";
import { type Contents, wipedBy } from "../support/wiped.js";
import { expectRefusal } from "./refusal.js";

const realm = makeRealm(20);
const { credentials: tgt } = login(realm);
const { credentials: ticket } = grantTicket(realm, tgt);
const DATA = new TextEncoder().encode("data");

/** How often exactly these bytes were overwritten. */
function times(wiped: readonly Contents[], bytes: Uint8Array): number {
  return wiped.filter((contents) => Buffer.compare(Buffer.from(contents), bytes) === 0).length;
}

/** How many of the stretches that were overwritten hold these bytes somewhere. */
function holding(wiped: readonly Contents[], bytes: Uint8Array): number {
  return wiped.filter((contents) => Buffer.from(contents).includes(Buffer.from(bytes))).length;
}

/** The copies of keys that left a `Key` in the meantime. */
async function copiesOf(act: () => unknown): Promise<Uint8Array[]> {
  const copies: Uint8Array[] = [];
  const { exportBytes } = Key.prototype;
  Key.prototype.exportBytes = function (this: Key) {
    const copy = exportBytes.call(this);
    copies.push(copy);
    return copy;
  };
  try {
    await act();
  } finally {
    Key.prototype.exportBytes = exportBytes;
  }
  return copies;
}

const isZero = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);
const cannot = () => {
  throw new Error("it should have opened");
};

describe("a key that is made", () => {
  test("at random leaves no other copy", async () => {
    let made: Uint8Array | undefined;
    const random = (size: number) => new Uint8Array(size).fill(7);
    const wiped = await wipedBy(() => {
      made = randomKey(etypeOf(20), random).exportBytes();
    });
    expect(made).toEqual(new Uint8Array(32).fill(7));
    expect(times(wiped, made!)).toBe(1);
  });

  test.each([20, 3])("of a password leaves no other copy: type %i", async (etype) => {
    let key: Key | undefined;
    const wiped = await wipedBy(async () => {
      key = await keyFromPassword(etypeOf(etype), "correct horse", defaultStringToKey(named("alice")));
    });
    expect(times(wiped, key!.exportBytes())).toBeGreaterThanOrEqual(1);
  });

  test("of a message is overwritten there, also when it is refused", () => {
    const key = randomKey(etypeOf(3));
    const message = toEncryptionKey(key);
    expect(fromEncryptionKey(message, [3], "key").exportBytes()).toEqual(key.exportBytes());
    expect(isZero(message.key)).toBe(true);
    const weak = { ...toEncryptionKey(key), key: new Uint8Array(8).fill(1) };
    expectRefusal(() => fromEncryptionKey(weak, [3], "key"), "KRB_AP_ERR_MODIFIED");
    expect(isZero(weak.key)).toBe(true);
  });
});

describe("wiping a key", () => {
  test("overwrites its bytes and what was derived from them", async () => {
    const key = randomKey(etypeOf(20));
    const bytes = key.exportBytes();
    key.cipher.encrypt(1, DATA);
    const wiped = await wipedBy(() => key.wipe());
    // Its own, and those that its cipher keeps to derive from.
    expect(times(wiped, bytes)).toBe(2);
    expect(isZero(key.exportBytes())).toBe(true);
    expect(() => key.cipher.encrypt(2, DATA)).toThrow("wiped");
  });

  test("that was never used overwrites its bytes", async () => {
    const key = randomKey(etypeOf(20));
    const bytes = key.exportBytes();
    const wiped = await wipedBy(() => key.wipe());
    expect(times(wiped, bytes)).toBe(1);
  });
});

describe("sealing and unsealing", () => {
  const key = randomKey(etypeOf(20));
  const inside = randomKey(etypeOf(20));
  const sealing = { key, usage: KeyUsage.AS_REP };

  test("overwrites the key in the part, and the plaintext around it", async () => {
    const part = create(EncKdcRepPartSchema, { key: toEncryptionKey(inside) });
    const subkeyed = create(AuthenticatorSchema, { subkey: toEncryptionKey(inside) });
    const bytes = inside.exportBytes();
    const wiped = await wipedBy(() => {
      seal(sealing, "encAsRepPart", part);
      seal(sealing, "authenticator", subkeyed);
    });
    expect(isZero(part.key!.key)).toBe(true);
    expect(isZero(subkeyed.subkey!.key)).toBe(true);
    expect(holding(wiped, bytes)).toBeGreaterThanOrEqual(4);
  });

  test("overwrites the key in a part that can't be encoded", () => {
    const part = create(EncKdcRepPartSchema, { key: toEncryptionKey(inside), etypes: ["x" as never] });
    expect(() => seal(sealing, "encAsRepPart", part)).toThrow(RangeError);
    expect(isZero(part.key!.key)).toBe(true);
  });

  test("overwrites the plaintext that was deciphered, canonical or not", async () => {
    const bytes = inside.exportBytes();
    const plain = seal(
      sealing,
      "encAsRepPart",
      create(EncKdcRepPartSchema, { key: toEncryptionKey(inside) }),
    );
    const opened = await wipedBy(() => unseal(sealing, "encAsRepPart", plain, cannot));
    expect(holding(opened, bytes)).toBeGreaterThanOrEqual(1);
    const refused = await wipedBy(() =>
      expect(() => unseal(sealing, "encTgsRepPart", plain, cannot)).toThrow("should have opened"),
    );
    expect(holding(refused, bytes)).toBeGreaterThanOrEqual(1);
  });
});

describe("an exchange leaves no copy of a key", () => {
  test("with the KDC", async () => {
    const copies = await copiesOf(() => {
      const home = makeRealm(3);
      grantTicket(home, login(home).credentials);
    });
    // Two for each of two tickets: in the ticket, and in the reply.
    expect(copies).toHaveLength(4);
    expect(copies.every(isZero)).toBe(true);
  });

  test("with V", async () => {
    const copies = await copiesOf(() => access(realm, ticket, DATA));
    // The client's subkey in the authenticator, V's in its reply.
    expect(copies).toHaveLength(2);
    expect(copies.every(isZero)).toBe(true);
  });

  /** The subkeys of an access, as whoever has the session key can read them. */
  function subkeysOf(authenticator: Uint8Array, apRep: Uint8Array) {
    const { key } = ticket;
    const asked = { key, usage: KeyUsage.AP_REQ_AUTHENTICATOR };
    const answered = { key, usage: KeyUsage.AP_REP };
    return {
      ofClient: unsealFromBytes(asked, "authenticator", authenticator, "", cannot).subkey!.key,
      ofService: unsealFromBytes(answered, "encApRepPart", apRep, "", cannot).subkey!.key,
    };
  }

  // In the pool of random bytes, taken from it, in the message to seal, the key itself, and what its cipher
  // keeps.
  const OF_A_MAKER = 5;
  // In the message that was opened, the key itself, and what its cipher keeps.
  const OF_A_READER = 3;

  test("and subkeys are wiped on either side", async () => {
    let made: ReturnType<typeof makeAccessReq> | undefined;
    let taken: ReturnType<typeof verifyAccessReq> | undefined;
    let answer: ReturnType<typeof makeAccessRep> | undefined;
    const asking = await wipedBy(() => {
      made = makeAccessReq(ticket, DATA, NOW);
    });
    const taking = await wipedBy(() => {
      taken = verifyAccessReq(made!.request, servicePolicy(realm), NOW);
    });
    const answering = await wipedBy(() => {
      answer = makeAccessRep(taken!.verified, DATA);
    });
    const reading = await wipedBy(() => openAccessRep(answer!, made!.pending));
    const { ofClient, ofService } = subkeysOf(made!.request.authenticator, answer!.apRep);
    expect([times(asking, ofClient), times(taking, ofClient)]).toEqual([OF_A_MAKER, OF_A_READER]);
    expect([times(answering, ofService), times(reading, ofService)]).toEqual([OF_A_MAKER, OF_A_READER]);
    const session = ticket.key.exportBytes();
    expect([asking, taking, answering, reading].map((wiped) => times(wiped, session))).toEqual([0, 1, 0, 0]);
  });

  test("also where the data is refused", async () => {
    const fresh = { subkey: makeSubkey(ticket.key), seqNumber: 7 };
    const outOfOrder = sealData(fresh.subkey, TO_SERVICE, 8, DATA);
    const { blobs, pending } = makeApReq(ticket, AP_USE, outOfOrder, fresh, NOW);
    const policy = servicePolicy(realm);
    const taking = await wipedBy(() => {
      const request = create(AccessRequestSchema, { ...blobs, request: outOfOrder });
      expectRefusal(() => verifyAccessReq(request, policy, NOW), "KRB_AP_ERR_BADORDER");
    });
    const verified = verifyApReq(blobs, AP_USE, outOfOrder, policy, NOW);
    const answer = { ...makeAccessRep(verified, DATA), response: outOfOrder };
    const reading = await wipedBy(() =>
      expectRefusal(() => openAccessRep(answer, pending), "KRB_AP_ERR_BAD_INTEGRITY", { part: "response" }),
    );
    const { ofClient, ofService } = subkeysOf(blobs.authenticator, answer.apRep);
    expect(times(taking, ofClient)).toBe(OF_A_READER);
    expect(times(reading, ofService)).toBe(OF_A_READER);
  });

  test("also where it can't be sealed", async () => {
    const text = "no bytes" as never;
    const subkey = ones(32);
    const asking = await wipedBy(() =>
      expect(() => makeAccessReq(ticket, text, NOW, ones)).toThrow(TypeError),
    );
    const { request } = makeAccessReq(ticket, DATA, NOW);
    const { verified } = verifyAccessReq(request, servicePolicy(realm), NOW);
    const answering = await wipedBy(() =>
      expect(() => makeAccessRep(verified, text, ones)).toThrow(TypeError),
    );
    // What was taken at random, and the key's own bytes; V had sealed its subkey already.
    expect(times(asking, subkey)).toBe(2);
    expect(times(answering, subkey)).toBe(3);
  });
});

const ones = (size: number) => new Uint8Array(size).fill(1);
