import { describe, expect, test } from "vitest";
import { Challenger, MAX_CHALLENGE_AGE_MS, MAX_CHALLENGE_BYTES } from "../../src/protocol/challenge.js";

describe("a guard's challenge", () => {
  const challenger = new Challenger();
  const challenge = challenger.make(1000.7);

  test("has 48 bytes, and no client refuses it for its length", () => {
    expect(challenge).toHaveLength(48);
    expect(challenge.length).toBeLessThanOrEqual(MAX_CHALLENGE_BYTES);
  });

  test("is good from when it was made to its greatest age, and no longer", () => {
    for (const age of [0, 1, MAX_CHALLENGE_AGE_MS])
      expect(challenger.isGood(challenge, 1000 + age)).toBe(true);
    expect(challenger.isGood(challenge, 1000 + MAX_CHALLENGE_AGE_MS + 1)).toBe(false);
    expect(challenger.isGood(challenge, 999)).toBe(false);
  });

  test("is that of its process alone", () => {
    expect(new Challenger().isGood(challenge, 1000)).toBe(false);
  });

  test("is no longer good with any bit changed, a byte more or a byte less", () => {
    for (let bit = 0; bit < challenge.length * 8; bit++) {
      const changed = Uint8Array.from(challenge);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(challenger.isGood(changed, 1000)).toBe(false);
    }
    expect(challenger.isGood(challenge.subarray(0, 47), 1000)).toBe(false);
    expect(challenger.isGood(Uint8Array.of(...challenge, 0), 1000)).toBe(false);
    expect(challenger.isGood(new Uint8Array(), 1000)).toBe(false);
  });

  test("is another each time", () => {
    expect(challenger.make(1000)).not.toEqual(challenger.make(1000));
  });

  test("is read in a larger buffer, where it stands", () => {
    const larger = Uint8Array.of(9, 9, 9, ...challenge, 9);
    expect(challenger.isGood(larger.subarray(3, 51), 1000)).toBe(true);
  });
});
