import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Timeouts } from "../../src/rpc/timeouts.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

function open() {
  const late: string[] = [];
  return { late, timeouts: new Timeouts<string>(100, (waiter) => void late.push(waiter)) };
}

test("each is late after its own time, to the millisecond, and told once", () => {
  const { timeouts, late } = open();
  const a = timeouts.add("a");
  vi.advanceTimersByTime(40);
  const b = timeouts.add("b");
  vi.advanceTimersByTime(59);
  expect(late).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(late).toEqual(["a"]);
  expect([a.isIn, b.isIn]).toEqual([false, true]);
  vi.advanceTimersByTime(39);
  expect(late).toEqual(["a"]);
  vi.advanceTimersByTime(1);
  expect(late).toEqual(["a", "b"]);
  vi.advanceTimersByTime(1_000);
  expect(late).toEqual(["a", "b"]);
});

test("whose wait has ended is told nothing, and others on their time", () => {
  const { timeouts, late } = open();
  const [a, , c] = ["a", "b", "c"].map((waiter) => timeouts.add(waiter));
  timeouts.end(a);
  timeouts.end(c);
  timeouts.end(c);
  timeouts.end(undefined);
  vi.advanceTimersByTime(100);
  expect(late).toEqual(["b"]);
});

test("one timer serves all, and none runs where nobody waits", () => {
  const { timeouts } = open();
  expect(vi.getTimerCount()).toBe(0);
  const waits = Array.from({ length: 1_000 }, (_, i) => timeouts.add(`${i}`));
  expect(vi.getTimerCount()).toBe(1);
  for (const wait of waits) timeouts.end(wait);
  vi.advanceTimersByTime(100);
  expect(vi.getTimerCount()).toBe(0);
});
