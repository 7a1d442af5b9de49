import { describe, expect, test } from "vitest";
import {
  createKeySchedule,
  decryptCbc,
  decryptEcb,
  encryptCbc,
  encryptEcb,
  wipeKeySchedule,
} from "../../src/des/index.js";
import {
  BOXES_FORWARD,
  type KeySchedule,
  loadSubkeys,
  PAIRS_BACKWARD,
  PAIRS_FORWARD,
  type SubkeyUse,
} from "../../src/des/key-schedule.js";
import { LEFT_SHIFTS, PC1, PC2 } from "../../src/des/tables.js";
import { SUBKEYS, wipeWorkspace } from "../../src/des/workspace.js";
import { bytes } from "./vectors.js";

/** The subkeys that a mode would find in the workspace. */
function subkeysOf(schedule: KeySchedule, use: SubkeyUse): number[] {
  const count = loadSubkeys(schedule, use);
  const subkeys = [...SUBKEYS.subarray(0, count)];
  wipeWorkspace(0);
  return subkeys;
}

const popCount = (word: number) => word.toString(2).replaceAll("0", "").length;

describe("the key schedule", () => {
  test("holds the subkeys of FIPS 46-3's tables in the box layout, six bits a byte beside its mark", () => {
    const key = bytes("133457799bbcdff1");
    const bits = PC1.map((bit) => (key[(bit - 1) >> 3]! >> (7 - ((bit - 1) & 7))) & 1);
    let c = bits.slice(0, 28);
    let d = bits.slice(28);
    const expected = LEFT_SHIFTS.flatMap((shift) => {
      c = [...c.slice(shift), ...c.slice(0, shift)];
      d = [...d.slice(shift), ...d.slice(0, shift)];
      const subkey = PC2.map((bit) => [...c, ...d][bit - 1]!).join("");
      const six = (box: number) => Number.parseInt(subkey.slice(6 * box - 6, 6 * box), 2);
      return [
        (six(1) << 24) | ((64 + six(3)) << 16) | ((128 + six(5)) << 8) | (192 + six(7)),
        (six(2) << 24) | ((64 + six(4)) << 16) | ((128 + six(6)) << 8) | (192 + six(8)),
      ];
    });
    expect(subkeysOf(createKeySchedule(key), BOXES_FORWARD)).toEqual(expected);
  });

  test("holds the same bits in the pair layout, in other places", () => {
    const schedule = createKeySchedule(bytes("133457799bbcdff1"));
    const boxes = subkeysOf(schedule, BOXES_FORWARD).map((word) => word & 0x3f3f3f3f);
    const pairs = subkeysOf(schedule, PAIRS_FORWARD);
    expect(pairs.map(popCount)).toEqual(boxes.map(popCount));
  });

  test("holds them backwards for decryption, the two words of a round in order", () => {
    for (const key of ["133457799bbcdff1", "0123456789abcdef23456789abcdef01456789abcdef0123"]) {
      const schedule = createKeySchedule(bytes(key));
      const forward = subkeysOf(schedule, PAIRS_FORWARD);
      const rounds = Array.from({ length: forward.length / 2 }, (_, i) => forward.slice(2 * i, 2 * i + 2));
      expect(subkeysOf(schedule, PAIRS_BACKWARD)).toEqual(rounds.reverse().flat());
    }
  });

  test("makes the same subkeys again, keeps them from the second use on, and keeps no others", () => {
    const schedule = createKeySchedule(bytes("133457799bbcdff1"));
    const first = subkeysOf(schedule, PAIRS_BACKWARD);
    expect(schedule.kept).toEqual([[], [], []]);
    expect(subkeysOf(schedule, PAIRS_BACKWARD)).toEqual(first);
    expect(schedule.kept).toEqual([[], [], first]);
    expect(subkeysOf(schedule, PAIRS_BACKWARD)).toEqual(first);
    expect(createKeySchedule(bytes("133457799bbcdff1")).kept).toEqual([[], [], []]);
  });

  test("keeps every subkey word a small integer, even where the engine's have 31 bits", () => {
    for (const key of ["ffffffffffffffff", "0123456789abcdef23456789abcdef01456789abcdef0123"]) {
      const schedule = createKeySchedule(bytes(key));
      for (const word of [BOXES_FORWARD, PAIRS_FORWARD].flatMap((use) => subkeysOf(schedule, use))) {
        expect(word).toBeGreaterThanOrEqual(0);
        expect(word).toBeLessThan(2 ** 30);
      }
    }
  });

  test("ignores parity bits", () => {
    const plaintext = bytes("0123456789abcdef");
    const even = createKeySchedule(bytes("1032547698badcfe"));
    const odd = createKeySchedule(bytes("1133557799bbddff"));
    expect(encryptEcb(even, plaintext)).toEqual(encryptEcb(odd, plaintext));
  });

  test("makes single DES of three equal keys, and K1 K2 K1 of 16 bytes", () => {
    const plaintext = bytes("0123456789abcdef");
    const [k1, k2] = ["133457799bbcdff1", "0e329232ea6d0d73"];
    const seal = (key: string) => encryptEcb(createKeySchedule(bytes(key)), plaintext);
    expect(seal(k1 + k1 + k1)).toEqual(seal(k1));
    expect(seal(k1 + k1)).toEqual(seal(k1));
    expect(seal(k1 + k2)).toEqual(seal(k1 + k2 + k1));
    expect(seal(k1 + k2)).not.toEqual(seal(k1));
  });

  test("does not follow later changes to the key's buffer", () => {
    const plaintext = bytes("0123456789abcdef");
    const key = bytes("133457799bbcdff1");
    const schedule = createKeySchedule(key);
    key.fill(0);
    expect(encryptEcb(schedule, plaintext)).toEqual(
      encryptEcb(createKeySchedule(bytes("133457799bbcdff1")), plaintext),
    );
  });

  test("is zeros and refuses work once wiped", () => {
    const schedule = createKeySchedule(bytes("133457799bbcdff1"));
    const block = new Uint8Array(8);
    for (const use of [
      BOXES_FORWARD,
      PAIRS_FORWARD,
      PAIRS_BACKWARD,
      BOXES_FORWARD,
      PAIRS_FORWARD,
      PAIRS_BACKWARD,
    ])
      subkeysOf(schedule, use);
    const numbers = [schedule.halves, ...schedule.kept];
    expect(numbers.map(({ length }) => length)).toEqual([2, 32, 32, 32]);
    wipeKeySchedule(schedule);
    wipeKeySchedule(schedule);
    expect(numbers.flat()).toEqual([]);
    expect(schedule.kept).toEqual([[], [], []]);
    const refusal = new Error("schedule: expected a key schedule in use, got a wiped one");
    expect(() => encryptEcb(schedule, block)).toThrow(refusal);
    expect(() => decryptEcb(schedule, block)).toThrow(refusal);
    expect(() => encryptCbc(schedule, block, block)).toThrow(refusal);
    expect(() => decryptCbc(schedule, block, block)).toThrow(refusal);
  });

  test("does not disturb other schedules when one is wiped", () => {
    const unused = createKeySchedule(bytes("133457799bbcdff1"));
    const other = createKeySchedule(bytes("0e329232ea6d0d73"));
    wipeKeySchedule(unused);
    expect(encryptEcb(other, bytes("8787878787878787"))).toEqual(new Uint8Array(8));
  });

  test("refuses keys of any other size", () => {
    for (const size of [0, 7, 9, 15, 17, 23, 25, 32]) {
      expect(() => createKeySchedule(new Uint8Array(size))).toThrow(
        new RangeError(`key: expected 8, 16 or 24 bytes, got ${size}`),
      );
    }
    expect(() => createKeySchedule("8bytekey" as never)).toThrow(
      new TypeError("key: expected a Uint8Array, got string"),
    );
  });

  test("refuses something else in its place", () => {
    const block = new Uint8Array(8);
    expect(() => encryptEcb({} as never, block)).toThrow(
      new TypeError("schedule: expected a KeySchedule, got object"),
    );
    expect(() => encryptCbc(null as never, block, block)).toThrow(
      new TypeError("schedule: expected a KeySchedule, got null"),
    );
    expect(() => wipeKeySchedule(undefined as never)).toThrow(
      new TypeError("schedule: expected a KeySchedule, got undefined"),
    );
  });
});
