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
  timeouts.add("a");
  vi.advanceTimersByTime(40);
  timeouts.add("b");
  vi.advanceTimersByTime(59);
  expect(late).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(late).toEqual(["a"]);
  expect([timeouts.has("a"), timeouts.has("b")]).toEqual([false, true]);
  vi.advanceTimersByTime(39);
  expect(late).toEqual(["a"]);
  vi.advanceTimersByTime(1);
  expect(late).toEqual(["a", "b"]);
  vi.advanceTimersByTime(1_000);
  expect(late).toEqual(["a", "b"]);
});

test("whose wait has ended is told nothing, and others on their time", () => {
  const { timeouts, late } = open();
  for (const waiter of ["a", "b", "c"]) timeouts.add(waiter);
  timeouts.end("a");
  timeouts.end("c");
  timeouts.end("nobody");
  vi.advanceTimersByTime(100);
  expect(late).toEqual(["b"]);
});

test("one timer serves all, and none runs where nobody waits", () => {
  const { timeouts } = open();
  expect(vi.getTimerCount()).toBe(0);
  for (let i = 0; i < 1_000; i++) timeouts.add(`${i}`);
  expect(vi.getTimerCount()).toBe(1);
  for (let i = 0; i < 1_000; i++) timeouts.end(`${i}`);
  vi.advanceTimersByTime(100);
  expect(vi.getTimerCount()).toBe(0);
});
