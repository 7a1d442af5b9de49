import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { onAbort } from "../../src/rpc/on-abort.js";

test("a signal has one listener, however many calls wait for it, and each is told once", () => {
  const { signal, ...controller } = withAbort();
  const told: number[] = [];
  const takeBack = Array.from({ length: 50 }, (_, call) => onAbort(signal, () => told.push(call)));
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  for (const release of takeBack.slice(0, 45)) release();
  controller.abort();
  expect(told).toEqual([45, 46, 47, 48, 49]);
  onAbort(signal, () => told.push(-1));
  expect(told).toHaveLength(5);
});

test("the same work given twice is done twice, and taken back once", () => {
  const { signal, ...controller } = withAbort();
  let count = 0;
  const work = () => void count++;
  onAbort(signal, work);
  onAbort(signal, work)();
  controller.abort();
  expect(count).toBe(1);
});

test("work that is taken back while others are told is not done", () => {
  const { signal, ...controller } = withAbort();
  let count = 0;
  onAbort(signal, () => release());
  const release = onAbort(signal, () => void count++);
  controller.abort();
  expect(count).toBe(0);
});

function withAbort(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
