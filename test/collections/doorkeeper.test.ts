import { expect, test } from "vitest";
import { Doorkeeper } from "../../src/collections/doorkeeper.js";

test("knows a name from the second time on", () => {
  const doorkeeper = new Doorkeeper(64);
  expect([1, 2, 3].map(() => doorkeeper.knows("alice@EXAMPLE.TEST"))).toEqual([false, true, true]);
  expect(doorkeeper.knows("bob@EXAMPLE.TEST")).toBe(false);
});

test("knows nobody where many more come than there are places, and all where they are few", () => {
  const known = (names: number) => {
    const doorkeeper = new Doorkeeper(4096);
    let count = 0;
    for (let i = 0; i < 4 * names; i++) if (doorkeeper.knows(`user${i % names}@EXAMPLE.TEST`)) count++;
    return count / (3 * names);
  };
  expect(known(400)).toBeGreaterThan(0.85);
  expect(known(40_960)).toBeLessThan(0.001);
});
