/** The authenticators that were taken on the strength of a challenge: once each, as long as it is good. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Challenger, MAX_CHALLENGE_AGE_MS } from "../../../src/protocol/challenge.js";
import { TakenTags } from "../../../src/services/guard/taken-tags.js";
import { expectRefusal } from "../../protocol/refusal.js";

const tag = (number: number) => {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(12, number);
  return bytes;
};

describe("a tag", () => {
  test("is taken once", () => {
    const taken = new TakenTags();
    taken.take([tag(1)], 0);
    taken.take([tag(2)], 0);
    expectRefusal(() => taken.take([tag(1)], 0), "KRB_AP_ERR_REPEAT");
    expectRefusal(() => taken.take([tag(2)], 59_999), "KRB_AP_ERR_REPEAT");
    expect(taken.size).toBe(2);
  });

  test("is known by its bytes, not by whose they are, and all of them count", () => {
    const taken = new TakenTags();
    const bytes = tag(1);
    taken.take([bytes], 0);
    bytes[0] = 1;
    taken.take([bytes], 0);
    expectRefusal(() => taken.take([tag(1)], 0), "KRB_AP_ERR_REPEAT");
    for (let i = 0; i < 16; i++) {
      const other = tag(7);
      other[i]! ^= 0x80;
      expect(() => taken.take([other], 0)).not.toThrow();
    }
  });

  test("is kept until the age is over 60,000 ms, and no longer", () => {
    const taken = new TakenTags();
    taken.take([tag(1)], 1_000);
    expectRefusal(() => taken.take([tag(1)], 61_000), "KRB_AP_ERR_REPEAT");
    taken.take([tag(2)], 61_001);
    expect(taken.size).toBe(1);
    expect(() => taken.take([tag(1)], 61_001)).not.toThrow();
  });

  test("is kept while the challenge is good that it was taken with, to the fraction of a millisecond", () => {
    const time = fc.double({ min: 0, max: 200_000, noNaN: true });
    fc.assert(
      fc.property(time, time, time, (made, waited, later) => {
        const challenger = new Challenger();
        const challenge = challenger.make(made);
        const takenAt = made + (waited % 61_000);
        const again = takenAt + (later % 61_000);
        fc.pre(challenger.isGood(challenge, takenAt) && challenger.isGood(challenge, again));
        const taken = new TakenTags();
        taken.take([tag(1)], takenAt);
        expectRefusal(() => taken.take([tag(1)], again), "KRB_AP_ERR_REPEAT");
      }),
    );
    const challenger = new Challenger();
    const challenge = challenger.make(1_000.2);
    const taken = new TakenTags();
    taken.take([tag(1)], 1_000.2);
    expect(challenger.isGood(challenge, 61_000.9)).toBe(true);
    expectRefusal(() => taken.take([tag(1)], 61_000.9), "KRB_AP_ERR_REPEAT");
  });
});

describe("an authenticator and one that it stands in for", () => {
  test("are taken in one step", () => {
    const taken = new TakenTags();
    taken.take([tag(1), tag(2)], 0);
    for (const number of [1, 2]) expectRefusal(() => taken.take([tag(number)], 0), "KRB_AP_ERR_REPEAT");
  });

  test("are both left, where one of them was taken before", () => {
    const taken = new TakenTags();
    taken.take([tag(1)], 0);
    expectRefusal(() => taken.take([tag(1), tag(2)], 0), "KRB_AP_ERR_REPEAT");
    expectRefusal(() => taken.take([tag(3), tag(1)], 0), "KRB_AP_ERR_REPEAT");
    expect(taken.size).toBe(1);
    expect(() => taken.take([tag(2), tag(3)], 0)).not.toThrow();
  });
});

describe("a full table", () => {
  test("refuses with KDC_ERR_SVC_UNAVAILABLE and drops none, until the oldest have their time", () => {
    const taken = new TakenTags(3);
    for (const number of [1, 2, 3]) taken.take([tag(number)], number);
    expectRefusal(() => taken.take([tag(4)], 3), "KDC_ERR_SVC_UNAVAILABLE");
    expectRefusal(() => taken.take([tag(4)], 1 + MAX_CHALLENGE_AGE_MS), "KDC_ERR_SVC_UNAVAILABLE");
    for (const number of [1, 2, 3])
      expectRefusal(() => taken.take([tag(number)], 1 + MAX_CHALLENGE_AGE_MS), "KRB_AP_ERR_REPEAT");
    expect(() => taken.take([tag(4)], 2 + MAX_CHALLENGE_AGE_MS)).not.toThrow();
    expectRefusal(() => taken.take([tag(2)], 2 + MAX_CHALLENGE_AGE_MS), "KRB_AP_ERR_REPEAT");
    expect(taken.size).toBe(3);
  });

  test("takes neither of two where there is room for one", () => {
    const taken = new TakenTags(2);
    taken.take([tag(1)], 0);
    expectRefusal(() => taken.take([tag(2), tag(3)], 0), "KDC_ERR_SVC_UNAVAILABLE");
    expect(taken.size).toBe(1);
    expect(() => taken.take([tag(2)], 0)).not.toThrow();
  });

  test("has 200,000 tags by default", () => {
    const taken = new TakenTags();
    for (let number = 0; number < 200_000; number++) taken.take([tag(number)], 0);
    expectRefusal(() => taken.take([tag(200_000)], 0), "KDC_ERR_SVC_UNAVAILABLE");
  });
});
