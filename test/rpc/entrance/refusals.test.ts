import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Refusals } from "../../../src/rpc/entrance/refusals.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

test("the first is told at once, the next ten seconds later with those between", () => {
  const told: string[] = [];
  const refusals = new Refusals((text) => told.push(text));
  refusals.connection("192.0.2.1");
  for (let i = 0; i < 1_000; i++) refusals.call("192.0.2.2", "calls");
  expect(told).toEqual([
    "too much at once: connections refused: 1, calls refused: 0, the last from 192.0.2.1",
  ]);
  vi.advanceTimersByTime(9_999);
  refusals.connection(undefined);
  expect(told.length).toBe(1);
  vi.advanceTimersByTime(1);
  refusals.connection(undefined);
  expect(told[1]).toBe(
    "too much at once: connections refused: 2, calls refused: 1000, the last from a local socket",
  );
});
