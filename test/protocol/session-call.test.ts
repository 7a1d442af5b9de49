import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../src/crypto/hash.js";
import { ProtectionLevel } from "../../src/gen/kerberos/v1/guard_pb.js";
import { SessionBindingSchema, SessionCallSchema } from "../../src/gen/kerberos/v1/session_pb.js";
import { type BoundCall, LEVELS, PROTECTIONS } from "../../src/protocol/call-binding.js";
import {
  makeSessionCall,
  readSessionCall,
  type SessionAttempt,
  sessionBinding,
  verifySessionCall,
} from "../../src/protocol/session-call.js";
import { MacKey } from "../../src/protocol/session-keys.js";
import { decodeCanonical } from "../../src/protocol/strict-decode.js";
import { expectRefusal } from "./refusal.js";

const bytesOf = (value: string) => Uint8Array.from(Buffer.from(value));
const key = new MacKey(bytesOf("a key of thirty-two bytes, to MAC"));
const attempt: SessionAttempt = {
  session: bytesOf("0123456789abcdef"),
  number: 7,
  call: 7,
  protection: "authenticate",
  age: 12,
};
const call: BoundCall = {
  method: "/orders.v1.OrderService/Get",
  authority: "api.example.test",
  protection: "authenticate",
  requestSha256: sha256(bytesOf("a request")),
};
const verify = (bytes: Uint8Array, other: Partial<BoundCall> = {}, authorities = ["api.example.test"]) =>
  verifySessionCall(key, readSessionCall(bytes), { ...call, ...other, ...UNARY, authorities });
const UNARY = { requestStream: false, responseStream: false };

describe("the proof of a call under a session", () => {
  test("is taken for the call it was made for", () => {
    const read = readSessionCall(makeSessionCall(key, attempt, call));
    expect(read).toMatchObject({ ...attempt, session: expect.anything() });
    expect(Uint8Array.from(read.session)).toEqual(attempt.session);
    expect(() => verify(makeSessionCall(key, attempt, call))).not.toThrow();
  });

  test("of a first attempt has at most 64 characters of base64", () => {
    const size = (number: number, age: number) => {
      const bytes = makeSessionCall(key, { ...attempt, number, call: number, age }, call);
      return Buffer.from(bytes).toString("base64").length;
    };
    expect(size(2 ** 21 - 1, 16_000)).toBe(60);
    expect(size(2 ** 28 - 1, 36_000)).toBeLessThanOrEqual(64);
  });

  test.each([
    ["early", 16_383, 36_000, 64],
    ["young", 2 ** 21 - 1, 127, 64],
    ["late", 16_385, 128, 68],
    ["late", 2 ** 21 - 1, 36_000, 68],
    ["very late", 2 ** 28 - 1, 36_000, 72],
  ])("of a retry, which names its first attempt too: %s, %i after %i s", (_, number, age, size) => {
    const bytes = makeSessionCall(key, { ...attempt, number, call: number - 1, age }, call);
    expect(Buffer.from(bytes).toString("base64")).toHaveLength(size);
  });

  test("covers a SessionBinding in canonical form", () => {
    const numbers = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
    const ages = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    fc.assert(
      fc.property(numbers, numbers, ages, fc.boolean(), (number, first, age, stream) => {
        const made = { ...attempt, number, call: Math.min(first, number), age };
        const requestSha256 = stream ? undefined : call.requestSha256;
        const bytes = sessionBinding(made, { ...call, requestSha256 });
        const { $typeName: _, ...fields } = fromBinary(SessionBindingSchema, bytes);
        expect(fields).toEqual({
          session: attempt.session,
          number: BigInt(number),
          call: BigInt(made.call),
          method: call.method,
          authority: call.authority,
          protection: ProtectionLevel.AUTHENTICATE,
          age,
          requestSha256: stream ? new Uint8Array() : call.requestSha256,
        });
        const again = create(SessionBindingSchema, fields);
        expect(Uint8Array.from(bytes)).toEqual(toBinary(SessionBindingSchema, again));
      }),
    );
  });

  test("says which attempt came first where it is not the first itself", () => {
    const retry = makeSessionCall(key, { ...attempt, number: 9 }, call);
    expect(readSessionCall(retry)).toMatchObject({ number: 9, call: 7 });
    expect(() => verify(retry)).not.toThrow();
  });

  test.each([
    { what: "another method", other: { method: "/orders.v1.OrderService/Put" } },
    { what: "another request", other: { requestSha256: sha256(bytesOf("another request")) } },
    { what: "a stream of requests", other: { requestSha256: undefined } },
  ])("is refused for $what", ({ other }) => {
    expectRefusal(() => verify(makeSessionCall(key, attempt, call), other), "KRB_AP_ERR_MODIFIED", {
      field: "call.mac",
      method: other.method ?? call.method,
      authorities: "api.example.test",
    });
  });

  test("is taken for any of the service's own names, and refused for others", () => {
    const bytes = makeSessionCall(key, attempt, call);
    expect(() => verify(bytes, {}, ["localhost", "api.example.test"])).not.toThrow();
    expectRefusal(() => verify(bytes, {}, ["localhost", "evil.test"]), "KRB_AP_ERR_MODIFIED", {
      authorities: "localhost evil.test",
    });
    expectRefusal(() => verify(bytes, {}, []), "KRB_AP_ERR_MODIFIED", { field: "call.mac" });
  });

  test.each([
    { what: "number", change: { number: 8n } },
    { what: "first number", change: { call: 3n } },
    { what: "protection", change: { protection: ProtectionLevel.INTEGRITY } },
    { what: "age", change: { age: 0 } },
    { what: "session", change: { session: bytesOf("0123456789abcdeF") } },
  ])("is refused with another $what", ({ change }) => {
    const made = fromBinary(SessionCallSchema, makeSessionCall(key, attempt, call));
    const altered = toBinary(SessionCallSchema, { ...made, ...change });
    expectRefusal(() => verify(altered), "KRB_AP_ERR_MODIFIED", { field: "call.mac" });
  });

  test("is refused with any bit changed", () => {
    const bytes = makeSessionCall(key, attempt, call);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => verify(changed)).toThrow(
        expect.objectContaining({ reason: expect.stringMatching(/^(KRB_AP_ERR_MODIFIED|KRB_ERR_GENERIC)$/) }),
      );
    }
  });

  const malformed: { what: string; change: object; field: string }[] = [
    { what: "no session", change: { session: new Uint8Array() }, field: "call.session" },
    { what: "a session of 15 bytes", change: { session: new Uint8Array(15) }, field: "call.session" },
    { what: "number 0", change: { number: 0n }, field: "call.number" },
    { what: "a negative number", change: { number: -1n }, field: "call.number" },
    { what: "number 2^53", change: { number: 2n ** 53n }, field: "call.number" },
    { what: "a negative first number", change: { call: -1n }, field: "call.call" },
    { what: "its own number as the first", change: { call: 7n }, field: "call.call" },
    { what: "a higher number as the first", change: { call: 8n }, field: "call.call" },
    { what: "no level", change: { protection: 0 }, field: "call.protection" },
    { what: "a level that is none", change: { protection: 99 }, field: "call.protection" },
    { what: "no MAC", change: { mac: new Uint8Array() }, field: "call.mac" },
    { what: "a MAC of 15 bytes", change: { mac: new Uint8Array(15) }, field: "call.mac" },
    { what: "a MAC of 32 bytes", change: { mac: new Uint8Array(32) }, field: "call.mac" },
  ];
  test.each(malformed)("is malformed with $what", ({ change, field }) => {
    const made = fromBinary(SessionCallSchema, makeSessionCall(key, attempt, call));
    const altered = toBinary(SessionCallSchema, { ...made, ...change } as never);
    expectRefusal(() => readSessionCall(altered), "KRB_ERR_GENERIC", { field });
  });

  test("is malformed in any other form than the canonical one, or of a megabyte", () => {
    const bytes = makeSessionCall(key, attempt, call);
    for (const other of [
      new Uint8Array(),
      bytes.subarray(1),
      Uint8Array.of(...bytes, 0),
      Uint8Array.of(...bytes, 0x78, 1),
      new Uint8Array(2 ** 20),
    ])
      expectRefusal(() => readSessionCall(other), "KRB_ERR_GENERIC", { field: "call" });
  });

  describe("is written and read as its schema says, whatever its size", () => {
    const numbers = fc.oneof(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fc.constantFrom(...[7, 14, 21, 28, 35, 42, 49].flatMap((bits) => [2 ** bits - 1, 2 ** bits])),
    );
    const ages = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    const made = fc.tuple(numbers, numbers, ages, fc.constantFrom(...PROTECTIONS)).map((drawn) => {
      const [number, first, age, protection] = drawn;
      return makeSessionCall(
        key,
        { ...attempt, number, call: Math.min(first, number), age, protection },
        call,
      );
    });
    /** What the general reader says of bytes; undefined where it refuses them. */
    const readBySchema = (bytes: Uint8Array) => {
      try {
        const { $typeName: _, ...read } = decodeCanonical(SessionCallSchema, bytes);
        return read;
      } catch {
        return undefined;
      }
    };
    const readHere = (bytes: Uint8Array) => {
      try {
        const { number, call: first, protection, ...read } = readSessionCall(bytes);
        return {
          session: Uint8Array.from(read.session),
          number: BigInt(number),
          call: first === number ? 0n : BigInt(first),
          protection: LEVELS[protection],
          age: read.age,
          mac: Uint8Array.from(read.mac),
        };
      } catch {
        return undefined;
      }
    };

    test("in canonical form", () => {
      fc.assert(
        fc.property(made, (bytes) => {
          const read = readBySchema(bytes);
          expect(read).toBeDefined();
          expect(readHere(bytes)).toEqual(read);
        }),
      );
    });

    test("and where a byte was changed, added or left out, it is read so or not at all", () => {
      const change = fc.tuple(fc.nat(), fc.nat({ max: 255 }), fc.constantFrom("set", "insert", "remove"));
      fc.assert(
        fc.property(made, fc.array(change, { minLength: 1, maxLength: 3 }), (bytes, changes) => {
          const list = [...bytes];
          for (const [where, value, what] of changes)
            list.splice(
              where % (list.length + 1),
              what === "insert" ? 0 : 1,
              ...(what === "remove" ? [] : [value]),
            );
          const changed = Uint8Array.from(list);
          const read = readHere(changed);
          if (read !== undefined) expect(read).toEqual(readBySchema(changed));
        }),
        { numRuns: 5_000 },
      );
    });

    test("nor where a number is longer than it need be", () => {
      const bytes = makeSessionCall(key, { ...attempt, number: 5, call: 5, age: 3 }, call);
      const at = (value: number) => bytes.indexOf(value, 18) + 1;
      for (const [place, longer] of [
        [at(0x10), [0x85, 0]],
        [at(0x10), [0x85, 0x80, 0]],
        [at(0x10), [0x85, 0x80, 0x80, 0]],
        [at(0x28), [0x83, 0]],
        [at(0x28), [0]],
      ] as const) {
        const list = [...bytes];
        list.splice(place, 1, ...longer);
        expectRefusal(() => readSessionCall(Uint8Array.from(list)), "KRB_ERR_GENERIC", { field: "call" });
      }
    });
  });
});
