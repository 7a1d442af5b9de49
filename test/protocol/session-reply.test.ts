import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SessionReplySchema } from "../../src/gen/kerberos/v1/session_pb.js";
import { MacKey } from "../../src/protocol/session-keys.js";
import {
  encodeAnswer,
  isSessionReply,
  makeSessionReply,
  type SessionAnswer,
} from "../../src/protocol/session-reply.js";

const bytesOf = (value: string) => Uint8Array.from(Buffer.from(value));
const key = new MacKey(bytesOf("a key of thirty-two bytes, to MAC"));
const answer: SessionAnswer = {
  session: bytesOf("0123456789abcdef"),
  number: 7,
  code: 5,
  message: "no such order: ø",
  details: bytesOf("details"),
  responseSha256: new Uint8Array(32).fill(1),
  responses: 3,
};

describe("the proof of an answer under a session", () => {
  test("has 16 bytes and is taken for its answer", () => {
    const proof = makeSessionReply(key, answer);
    expect(proof).toHaveLength(16);
    expect(isSessionReply(key, { ...answer }, proof)).toBe(true);
  });

  const others: { what: string; other: Partial<SessionAnswer> }[] = [
    { what: "session", other: { session: bytesOf("0123456789abcdeF") } },
    { what: "number", other: { number: 8 } },
    { what: "number, that of the exchange", other: { number: 0 } },
    { what: "status", other: { code: 0 } },
    { what: "text", other: { message: "no such order" } },
    { what: "details", other: { details: new Uint8Array() } },
    { what: "response", other: { responseSha256: new Uint8Array(32) } },
    { what: "missing response", other: { responseSha256: new Uint8Array() } },
    { what: "number of responses", other: { responses: 2 } },
  ];
  test.each(others)("is refused with another $what", ({ other }) => {
    expect(isSessionReply(key, { ...answer, ...other }, makeSessionReply(key, answer))).toBe(false);
  });

  test("is refused with any bit changed, cut short, or under another key", () => {
    const proof = makeSessionReply(key, answer);
    for (let bit = 0; bit < 128; bit++) {
      const changed = Uint8Array.from(proof);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(isSessionReply(key, answer, changed)).toBe(false);
    }
    for (let length = 0; length < 16; length++)
      expect(isSessionReply(key, answer, proof.subarray(0, length))).toBe(false);
    expect(isSessionReply(new MacKey(new Uint8Array(32)), answer, proof)).toBe(false);
  });
});

test("covers a SessionReply in canonical form", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const numbers = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  const texts = fc.string({ unit: "grapheme", maxLength: 400 });
  fc.assert(
    fc.property(
      numbers,
      fc.nat({ max: 16 }),
      texts,
      bytes,
      bytes,
      numbers,
      (number, code, message, details, sha, responses) => {
        const made = { ...answer, number, code, message, details, responseSha256: sha, responses };
        const fields = { ...made, number: BigInt(number), responses: BigInt(responses) };
        const expected = toBinary(SessionReplySchema, create(SessionReplySchema, fields));
        expect(Uint8Array.from(encodeAnswer(made))).toEqual(expected);
      },
    ),
  );
});
