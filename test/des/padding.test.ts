import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pad, unpad } from "../../src/des/index.js";
import { bytes } from "./vectors.js";

describe("PKCS#5 padding", () => {
  test("adds one to eight bytes, each telling how many", () => {
    expect(pad(bytes(""))).toEqual(bytes("0808080808080808"));
    expect(pad(bytes("aabbccddeeff00"))).toEqual(bytes("aabbccddeeff0001"));
    expect(pad(bytes("aabbccddeeff0011"))).toEqual(bytes("aabbccddeeff00110808080808080808"));
  });

  test("comes off again, whatever the data", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (data) => {
        const before = data.slice();
        const padded = pad(data);
        expect(padded.length % 8).toBe(0);
        expect(unpad(padded)).toEqual(data);
        expect(data).toEqual(before);
      }),
    );
  });

  test("is accepted in exactly the cases RFC 8018 names", () => {
    const ending = fc.uint8Array({ minLength: 8, maxLength: 8, max: 10 });
    fc.assert(
      fc.property(ending, (data) => {
        const count = data[7]!;
        const good = count >= 1 && count <= 8 && data.slice(8 - count).every((byte) => byte === count);
        if (good) {
          expect(unpad(data)).toEqual(data.slice(0, 8 - count));
        } else {
          expect(() => unpad(data)).toThrow(
            new RangeError("data: expected PKCS#5 padding, got something else"),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  test("is refused with the same words wherever it is wrong", () => {
    for (const bad of [
      "0000000000000000",
      "0000000000000009",
      "00000000000000ff",
      "0108080808080808",
      "0000000000030203",
    ]) {
      expect(() => unpad(bytes(bad))).toThrow(
        new RangeError("data: expected PKCS#5 padding, got something else"),
      );
    }
  });

  test("cannot be taken off nothing, or off incomplete blocks", () => {
    expect(() => unpad(bytes(""))).toThrow(new RangeError("data: expected at least 8 bytes, got 0"));
    expect(() => unpad(bytes("01"))).toThrow(new RangeError("data: expected a multiple of 8 bytes, got 1"));
    expect(() => pad([] as never)).toThrow(new TypeError("data: expected a Uint8Array, got object"));
  });

  test("is added and taken off in buffers of its own, even for a Node Buffer", () => {
    const data = Buffer.from("twelve bytes");
    const padded = pad(data);
    const bare = unpad(padded);
    padded.fill(0);
    expect(Buffer.from(bare).toString()).toBe("twelve bytes");
    const fromBuffer = Buffer.from(pad(data));
    const taken = unpad(fromBuffer);
    fromBuffer.fill(0);
    expect(Buffer.from(taken).toString()).toBe("twelve bytes");
    expect(Object.getPrototypeOf(taken)).toBe(Uint8Array.prototype);
  });
});
