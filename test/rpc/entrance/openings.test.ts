import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Openings } from "../../../src/rpc/entrance/openings.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

test("those that take long begin one after the other, in their order, over several turns", async () => {
  const openings = new Openings();
  const begun: number[] = [];
  for (let one = 0; one < 6; one++)
    openings.run(() => {
      begun.push(one);
      vi.advanceTimersByTime(3);
    });
  expect(begun).toEqual([0, 1]);
  await new Promise(setImmediate);
  expect(begun).toEqual([0, 1, 2, 3]);
  await new Promise(setImmediate);
  expect(begun).toEqual([0, 1, 2, 3, 4, 5]);
  await new Promise(setImmediate);
  openings.run(() => begun.push(6));
  expect(begun.at(-1)).toBe(6);
});
