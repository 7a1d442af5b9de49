import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AttemptNumbers } from "../../src/protocol/attempt-numbers.js";

describe("the numbers of a session's attempts", () => {
  test("are taken once each, in whatever order they come", () => {
    const number = fc.integer({ min: 1, max: 200 });
    fc.assert(
      fc.property(fc.array(number, { maxLength: 400 }), (numbers) => {
        const attempts = new AttemptNumbers();
        const taken = new Set<number>();
        for (const n of numbers) {
          expect(attempts.take(n)).toBe(!taken.has(n));
          taken.add(n);
        }
      }),
    );
  });

  test("may be as high as numbers go, and no lower one is lost", () => {
    const attempts = new AttemptNumbers();
    expect(attempts.take(2 ** 53 - 1)).toBe(true);
    expect(attempts.take(2 ** 53 - 1)).toBe(false);
    expect(attempts.take(2 ** 53 - 1 - 1024)).toBe(true);
    expect(attempts.take(2 ** 53 - 1 - 1025)).toBe(false);
    expect(attempts.take(1)).toBe(false);
  });

  test("that are missing are waited for, up to 1,024 of them; the lowest is given up first", () => {
    const attempts = new AttemptNumbers();
    expect(attempts.take(1025)).toBe(true);
    expect(attempts.take(1027)).toBe(true); // 1026 is missing: 1 is given up
    expect(attempts.take(1)).toBe(false);
    expect(attempts.take(2)).toBe(true);
    expect(attempts.take(1026)).toBe(true);
  });

  test("of a slow call are waited for, however many fast ones overtake it", () => {
    const attempts = new AttemptNumbers();
    for (let number = 2; number <= 100_000; number++) expect(attempts.take(number)).toBe(true);
    expect(attempts.take(1)).toBe(true);
  });

  describe("that a repeat names", () => {
    test("are taken by it: the attempt does not run after it", () => {
      const attempts = new AttemptNumbers();
      expect(attempts.takeRepeated(1)).toBe(true);
      expect(attempts.take(1)).toBe(false);
    });

    test("are refused where the attempt ran, or may have", () => {
      const attempts = new AttemptNumbers();
      expect(attempts.take(5000)).toBe(true);
      expect(attempts.takeRepeated(5000)).toBe(false);
      expect(attempts.takeRepeated(1)).toBe(false);
    });

    test("may be repeated once where the attempt was taken and not run", () => {
      const attempts = new AttemptNumbers();
      expect(attempts.take(1)).toBe(true);
      attempts.leaveUnused(1);
      expect(attempts.take(1)).toBe(false);
      expect(attempts.takeRepeated(1)).toBe(true);
      expect(attempts.takeRepeated(1)).toBe(false);
    });

    test("are remembered up to 1,024: then the repeat is refused", () => {
      const attempts = new AttemptNumbers();
      for (let number = 1; number <= 1025; number++) {
        attempts.take(number);
        attempts.leaveUnused(number);
      }
      expect(attempts.takeRepeated(1)).toBe(false);
      expect(attempts.takeRepeated(2)).toBe(true);
    });
  });
});
