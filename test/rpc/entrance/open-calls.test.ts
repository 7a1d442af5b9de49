/** Which open calls of a connection have lasted for long. */
import { Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, Peer } from "../../../src/rpc/entrance/connection.js";
import type { OpenCall } from "../../../src/rpc/entrance/open-call.js";
import { OpenCalls } from "../../../src/rpc/entrance/open-calls.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

test("are those of two seconds and more, as long as they are open", () => {
  const calls = new OpenCalls();
  const [a, b] = ["a", "b"].map((key) => new Connection(new Socket(), new Peer(key, true)));
  const begin = (connection: Connection) => {
    const call = { connection, stream: {}, since: performance.now() } as unknown as OpenCall;
    calls.add(call);
    return call;
  };
  const watch = begin(a!);
  vi.advanceTimersByTime(1_000);
  begin(a!);
  begin(b!);
  expect(calls.lasting(a!)).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect([calls.lasting(a!), calls.lasting(b!)]).toEqual([1, 0]);
  vi.advanceTimersByTime(1_000);
  expect([calls.lasting(a!), calls.lasting(b!)]).toEqual([2, 1]);
  calls.end(watch);
  vi.advanceTimersByTime(100);
  expect(calls.lasting(a!)).toBe(1);
});
