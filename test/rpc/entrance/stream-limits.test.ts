/** How many calls connections may have under way under load: parts of peers, and when they are lifted. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Peer } from "../../../src/rpc/entrance/connection.js";
import { StreamLimits } from "../../../src/rpc/entrance/stream-limits.js";
import { Visitor } from "../../../src/rpc/entrance/visitor.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const limits = new StreamLimits();
  limits.begin(0);
  const visitors = (count: number, peer = new Peer("a", true)) =>
    Array.from({ length: count }, () => {
      const said: (number | undefined)[] = [];
      const state = { takesNote: true };
      const limit = (calls: number | undefined) => {
        if (state.takesNote) said.push(calls);
        return state.takesNote;
      };
      const visitor = new Visitor(peer, { stop() {}, start() {}, close() {}, limit }, 0);
      return { visitor, said, state };
    });
  const allot = (all: readonly { visitor: Visitor }[], light: readonly { visitor: Visitor }[] = []) =>
    limits.allot(
      [...all, ...light].map(({ visitor }) => visitor),
      (visitor) => light.some((one) => one.visitor === visitor),
      1_000,
    );
  return { limits, visitors, allot };
}

describe("while there is too much to do", () => {
  test("connections have equal parts of what can be done in a quarter of a second", () => {
    const { limits, visitors, allot } = open();
    limits.learn(4_000);
    const crowd = visitors(100);
    allot(crowd);
    expect(crowd.map(({ said }) => said)).toEqual(crowd.map(() => [10]));
  });

  test("and so have peers, of whom one with a single connection may have as many as ever", () => {
    const { limits, visitors, allot } = open();
    limits.learn(4_000);
    const [crowd, alone] = [visitors(100), visitors(1, new Peer("b", true))];
    allot([...crowd, ...alone]);
    expect([crowd[0]!.said, alone[0]!.said]).toEqual([[5], [undefined]]);
  });

  test("each has one at least, and those with little to say are told nothing", () => {
    const { limits, visitors, allot } = open();
    limits.learn(400);
    const [crowd, light] = [visitors(2_000), visitors(3)];
    allot(crowd, light);
    expect(crowd.every(({ said }) => said.join() === "1")).toBe(true);
    expect(light.map(({ said }) => said)).toEqual([[], [], []]);
  });

  test("a word is said every quarter of a second at most, the first a quarter after the begin", () => {
    const { limits, allot } = open();
    expect([limits.isDue(249), limits.isDue(250)]).toEqual([false, true]);
    allot([]);
    expect([limits.isDue(1_249), limits.isDue(1_250)]).toEqual([false, true]);
  });
});

describe("afterwards", () => {
  test("they are lifted after a second, and once more where the client had not taken note", () => {
    const { limits, visitors, allot } = open();
    limits.learn(40);
    const [one, late, gone] = visitors(3);
    allot([one!, late!, gone!]);
    late!.state.takesNote = false;
    limits.leave(gone!.visitor);
    limits.liftSoon();
    vi.advanceTimersByTime(999);
    expect(one!.said).toEqual([3]);
    vi.advanceTimersByTime(1);
    expect([one!.said, late!.said, gone!.said]).toEqual([[3, undefined], [3], [3]]);
    late!.state.takesNote = true;
    vi.advanceTimersByTime(1_000);
    expect([one!.said, late!.said]).toEqual([
      [3, undefined],
      [3, undefined],
    ]);
    vi.advanceTimersByTime(5_000);
    expect(late!.said.length).toBe(2);
  });

  test("they stay where there is too much again within that second", () => {
    const { limits, visitors, allot } = open();
    limits.learn(40);
    const crowd = visitors(10);
    allot(crowd);
    limits.liftSoon();
    limits.begin(2_000);
    vi.advanceTimersByTime(5_000);
    expect(crowd[0]!.said).toEqual([1]);
  });
});
