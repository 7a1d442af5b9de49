/** Calls that wait for the end of a turn: their order, and which of them are refused at once. */
import { describe, expect, test } from "vitest";
import { Peer } from "../../../src/rpc/entrance/connection.js";
import { ReadCalls } from "../../../src/rpc/entrance/read-calls.js";
import { Visitor } from "../../../src/rpc/entrance/visitor.js";

const NOW = 1_000;

function open() {
  const calls = new ReadCalls();
  const seen: string[] = [];
  const visitor = () => {
    const reader = { stop: () => {}, start: () => {}, close: () => {} };
    return new Visitor(new Peer("a", true), reader, NOW);
  };
  const add = (
    name: string,
    one = visitor(),
    more: { costMs?: number; patienceMs?: number; isLight?: boolean; isOver?: boolean } = {},
  ) => {
    const { costMs = 1, patienceMs = 1_000, isLight = false, isOver = false } = more;
    one.count++;
    const call = {
      method: name,
      patienceMs,
      isOver: () => isOver,
      start: () => void seen.push(`start ${name}`),
      refuse: () => void seen.push(`refuse ${name}`),
    };
    calls.add(one, call, costMs, NOW, isLight);
  };
  return { calls, seen, visitor, add };
}

const always = () => true;

test("those of connections with little to say come first, then the newest", () => {
  const { calls, seen, add } = open();
  add("a");
  add("b");
  add("light", undefined, { isLight: true });
  expect(calls.start(always, NOW)).toEqual({
    calls: new Map([
      ["light", 1],
      ["b", 1],
      ["a", 1],
    ]),
    refused: 0,
  });
  expect(seen).toEqual(["start light", "start b", "start a"]);
  expect([calls.total, calls.costMs]).toEqual([0, 0]);
});

test("those for which there is no time in this turn wait for the next", () => {
  const { calls, seen, add } = open();
  for (const name of ["a", "b", "c"]) add(name, undefined, { costMs: 5 });
  let left = 2;
  calls.start(() => left-- > 0, NOW);
  expect(seen).toEqual(["start c", "start b"]);
  expect([calls.size, calls.costMs]).toEqual([1, 5]);
});

describe("a call is refused at once", () => {
  test("where those before it take longer than its caller waits, by what they cost", () => {
    const { calls, seen, add } = open();
    for (const name of ["a", "b", "c", "d", "e"]) add(name, undefined, { costMs: 100, patienceMs: 350 });
    expect(calls.start(() => false, NOW).refused).toBe(2);
    expect(seen).toEqual(["refuse b", "refuse a"]);
    calls.start(always, NOW);
    expect(seen.slice(2)).toEqual(["start e", "start d", "start c"]);
  });

  test("where it has waited as long already, as if those of its connection had come evenly", () => {
    const { calls, seen, visitor, add } = open();
    const one = visitor();
    one.waited = 400;
    for (const name of ["a", "b", "c", "d"]) add(name, one, { patienceMs: 200 });
    calls.start(always, NOW);
    expect(seen).toEqual(["start d", "start c", "refuse b", "refuse a"]);
  });

  test("where it came too late while it waited for a turn", () => {
    const { calls, seen, add } = open();
    add("a", undefined, { patienceMs: 100 });
    calls.start(() => false, NOW);
    calls.start(() => false, NOW + 100);
    expect(seen).toEqual(["refuse a"]);
  });

  test("but not if it is given up, nor if it is one of few", () => {
    const { calls, seen, add } = open();
    add("gone", undefined, { patienceMs: 0, isOver: true });
    add("light", undefined, { patienceMs: 0, isLight: true });
    expect(calls.start(always, NOW).refused).toBe(0);
    expect(seen).toEqual(["start light"]);
  });
});
