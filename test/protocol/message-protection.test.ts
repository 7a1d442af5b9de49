import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { EncryptedDataSchema } from "../../src/gen/kerberos/v1/encryption_pb.js";
import { ProtectedMessageSchema } from "../../src/gen/kerberos/v1/guard_pb.js";
import type { Protection } from "../../src/protocol/call-binding.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { REQUESTS, RESPONSES, type SubkeyMessageKeys } from "../../src/protocol/message-keys.js";
import { MessageOpener, MessageProtector } from "../../src/protocol/message-protection.js";
import { refusalOf } from "./refusal.js";

const ETYPES = [20, 19, 16, 3];
const text = (value: string) => Uint8Array.from(Buffer.from(value));
const keysOf = (etype = 20, seqNumber = 41): SubkeyMessageKeys => ({
  subkey: randomKey(etypeOf(etype)),
  seqNumber,
});
const pair = (protection: Protection, keys = keysOf(), direction = REQUESTS) => ({
  sender: new MessageProtector(direction, keys, protection),
  receiver: new MessageOpener(direction, keys, protection),
});

describe.each(["integrity", "privacy"] as const)("messages at %s", (protection) => {
  const forged = protection === "privacy" ? "KRB_AP_ERR_BAD_INTEGRITY" : "KRB_AP_ERR_MODIFIED";

  test.each(ETYPES)("pass in order, up to the end, under encryption type %i", (etype) => {
    const { sender, receiver } = pair(protection, keysOf(etype));
    for (const value of ["a", "", "a longer one".repeat(100)])
      expect(receiver.open(sender.protect(text(value)))).toEqual({ kind: "message", message: text(value) });
    expect(receiver.open(sender.end())).toEqual({ kind: "end", message: undefined });
    expect(() => receiver.checkEnded()).not.toThrow();
  });

  test.each(ETYPES)("pass in parts as in one piece, under encryption type %i", (etype) => {
    const { sender, receiver } = pair(protection, keysOf(etype));
    const large = text("a large one".repeat(5_000));
    for (const message of [large, text("a")]) {
      const parts = sender.protectInParts(message);
      expect(parts.includes(message)).toBe(protection === "integrity");
      expect(receiver.open(Uint8Array.from(Buffer.concat(parts))).message).toEqual(message);
    }
  });

  test("count past the largest number", () => {
    const { sender, receiver } = pair(protection, keysOf(20, 2 ** 32 - 1));
    for (const value of ["a", "b", "c"])
      expect(receiver.open(sender.protect(text(value))).message).toEqual(text(value));
  });

  test.each(ETYPES)("are refused with any bit changed, under encryption type %i", (etype) => {
    const keys = keysOf(etype);
    const bytes = pair(protection, keys).sender.protect(text("a message"));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(refusalOf(() => pair(protection, keys).receiver.open(changed)).reason).toBe(forged);
    }
  });

  test("are refused cut short, extended, or as any other bytes", () => {
    const keys = keysOf();
    const bytes = pair(protection, keys).sender.protect(text("a message"));
    const wrong = [...bytes.keys()].map((length) => bytes.subarray(0, length));
    wrong.push(Buffer.concat([bytes, Buffer.of(0)]), text("a message"));
    for (const other of wrong)
      expect(refusalOf(() => pair(protection, keys).receiver.open(other)).reason).toBe(forged);
  });

  test("are refused under another key, and in the other direction", () => {
    const keys = keysOf();
    const bytes = pair(protection, keys).sender.protect(text("a"));
    const named = (field: string) => ({
      reason: forged,
      details: protection === "privacy" ? { part: field } : { field },
    });
    expect(refusalOf(() => pair(protection).receiver.open(bytes))).toMatchObject(named("request"));
    expect(refusalOf(() => pair(protection, keys, RESPONSES).receiver.open(bytes))).toMatchObject(
      named("response"),
    );
  });

  test("are refused at the other level", () => {
    const keys = keysOf();
    const other = protection === "privacy" ? "integrity" : "privacy";
    const bytes = pair(other, keys).sender.protect(text("a"));
    expect(refusalOf(() => pair(protection, keys).receiver.open(bytes)).reason).toBe(forged);
  });

  test("out of order are refused with both numbers, and so is everything after", () => {
    const { sender, receiver } = pair(protection);
    const [first, second] = [sender.protect(text("a")), sender.protect(text("b"))] as const;
    expect(refusalOf(() => receiver.open(second))).toMatchObject({
      reason: "KRB_AP_ERR_BADORDER",
      details: { expected: "41", got: "42" },
    });
    expect(refusalOf(() => receiver.open(first))).toMatchObject({
      reason: "KRB_AP_ERR_MODIFIED",
      details: { field: "request" },
    });
    expect(refusalOf(() => receiver.checkEnded()).reason).toBe("KRB_AP_ERR_MODIFIED");
  });

  test("after the end are refused, and so is a stream without its end", () => {
    const { sender, receiver } = pair(protection);
    expect(refusalOf(() => receiver.checkEnded())).toMatchObject({
      reason: "KRB_AP_ERR_MODIFIED",
      details: { next_seq_number: "41" },
    });
    receiver.open(sender.end());
    expect(refusalOf(() => receiver.open(sender.protect(text("a")))).reason).toBe("KRB_AP_ERR_MODIFIED");
  });
});

test("a message under a checksum travels as a ProtectedMessage, the checksum last", () => {
  const keys = keysOf();
  const bytes = pair("integrity", keys).sender.protect(text("a"));
  const { $typeName: _, checksum, ...rest } = fromBinary(ProtectedMessageSchema, bytes);
  expect(rest).toEqual({ message: text("a"), seqNumber: 41, kind: 0 });
  const covered = toBinary(ProtectedMessageSchema, create(ProtectedMessageSchema, rest));
  expect(checksum).toEqual(keys.subkey.cipher.checksum(1026, covered));
  expect(Buffer.concat([covered, Buffer.of(0x22, 24), checksum]).equals(bytes)).toBe(true);
});

test("a sealed message travels as an EncryptedData, and shows nothing of its contents", () => {
  const bytes = pair("privacy").sender.protect(text("attack at dawn"));
  expect(fromBinary(EncryptedDataSchema, bytes).etype).toBe(20);
  expect(Buffer.from(bytes).includes("attack")).toBe(false);
});

/** A message under the right checksum, whatever the bytes before it. */
function checked(keys: SubkeyMessageKeys, covered: Uint8Array): Uint8Array {
  const checksum = keys.subkey.cipher.checksum(1026, covered);
  return Uint8Array.from(Buffer.concat([covered, Buffer.of(0x22, checksum.length), checksum]));
}

test("an end marker with contents is refused", () => {
  const keys = keysOf();
  const covered = toBinary(
    ProtectedMessageSchema,
    create(ProtectedMessageSchema, { message: text("a"), seqNumber: 41, kind: 1 }),
  );
  const bytes = checked(keys, covered);
  expect(refusalOf(() => pair("integrity", keys).receiver.open(bytes)).reason).toBe("KRB_AP_ERR_MODIFIED");
});

describe("a message under a right checksum, but not in canonical form, is refused", () => {
  test.each([
    ["fields out of order", [0x10, 41, 0x0a, 1, 0x61]],
    ["a field twice", [0x0a, 1, 0x62, 0x0a, 1, 0x61, 0x10, 41]],
    ["an unknown field", [0x0a, 1, 0x61, 0x10, 41, 0x28, 1]],
    ["a default value written out", [0x0a, 1, 0x61, 0x10, 41, 0x18, 0]],
    ["a varint in more bytes than it needs", [0x0a, 1, 0x61, 0x10, 0xa9, 0]],
    ["a checksum of its own", [0x0a, 1, 0x61, 0x10, 41, 0x22, 1, 0]],
  ])("%s", (_, covered) => {
    const keys = keysOf();
    const good = checked(keys, Uint8Array.of(0x0a, 1, 0x61, 0x10, 41));
    expect(pair("integrity", keys).receiver.open(good).message).toEqual(text("a"));
    const bytes = checked(keys, Uint8Array.from(covered));
    expect(refusalOf(() => pair("integrity", keys).receiver.open(bytes))).toMatchObject({
      reason: "KRB_AP_ERR_MODIFIED",
      message: "a request is not a ProtectedMessage",
    });
  });
});
