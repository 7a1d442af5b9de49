/** What the chaos run makes of the runs that its processes wrote down: a late delivery, or a fault. */
import { expect, test } from "vitest";

const load = (name: string) => import(new URL(`./${name}.mjs`, import.meta.url).href);
const { judge, SECOND_RUN, BESIDE_REPEAT, AFTER_REFUSAL, UNASKED } = await load("verdict");
const { FAULTS } = await load("faults");

interface Run {
  readonly call: string;
  readonly method: string;
  readonly attempt: string;
  readonly repeats: string;
  readonly process: string;
  readonly isReplay: boolean;
  readonly isRefused: boolean;
}

/** A run of a call's only attempt, made by its client. */
const run = (changes: Partial<Run> = {}): Run => ({
  call: "load1",
  method: "Plain",
  attempt: "s:1",
  repeats: "-",
  process: "a",
  isReplay: false,
  isRefused: false,
  ...changes,
});
const replay = (changes: Partial<Run> = {}) => run({ isReplay: true, ...changes });

/** The faults that were found, by how many there are, and the late deliveries. */
function verdict(...runs: readonly Run[]) {
  const { faults, late } = judge(runs);
  const found = Object.entries(faults as Record<string, Run[][]>)
    .filter(([, list]) => list.length > 0)
    .map(([name, list]) => [name, list.length]);
  return { ...Object.fromEntries(found), ...late };
}
const NOTHING_LATE = { alone: 0, again: 0 };

test("what clients have run, once each, is no fault", () => {
  expect(verdict(run(), run({ call: "load2", attempt: "s:2" }))).toEqual(NOTHING_LATE);
});

test("an attempt that is delivered late, and had not run, is counted: of a call that ran, or of one that did not", () => {
  expect(verdict(replay())).toEqual({ alone: 1, again: 0 });
  // Another process had refused the first attempt, and ran the one that repeats it.
  const repeat = run({ attempt: "tag:2", repeats: "s:1", process: "b" });
  expect(verdict(replay(), repeat)).toEqual({ alone: 0, again: 1 });
  expect(verdict(repeat, replay())).toEqual({ alone: 0, again: 1 });
  // Thrown away unread, and made again with another number: nothing names the first.
  expect(verdict(run({ attempt: "s:2" }), replay())).toEqual({ alone: 0, again: 1 });
});

test("an attempt that ran twice is a fault, wherever and in whatever order that was written down", () => {
  const once = { [SECOND_RUN]: 1, ...NOTHING_LATE };
  expect(verdict(run(), replay())).toEqual(once);
  expect(verdict(replay(), run())).toEqual(once);
  expect(verdict(run(), replay({ process: "b" }))).toEqual(once);
  expect(verdict(run(), replay(), replay())).toEqual({ ...once, [SECOND_RUN]: 2 });
  // Delivered late, and once more.
  expect(verdict(replay(), replay())).toEqual({ ...once, alone: 0, again: 1 });
  // One proof for two calls.
  expect(verdict(run(), run({ call: "load2" }))).toEqual(once);
  expect(judge([replay(), run()]).faults[SECOND_RUN]).toEqual([[run(), replay()]]);
});

test("a process that ran an attempt and its repeat is at fault, and two processes are not", () => {
  const repeat = run({ attempt: "tag:2", repeats: "s:1" });
  expect(verdict(repeat, replay())).toEqual({ [BESIDE_REPEAT]: 1, alone: 0, again: 1 });
  expect(verdict(run(), { ...repeat, isReplay: true })).toEqual({ [BESIDE_REPEAT]: 1, alone: 0, again: 1 });
  expect(verdict(repeat, replay({ process: "b" }))).toEqual({ alone: 0, again: 1 });
});

test("a process that runs what it has refused is at fault", () => {
  expect(verdict(replay({ isRefused: true }))).toEqual({ [AFTER_REFUSAL]: 1, alone: 1, again: 0 });
});

test("a client that has a call run twice is at fault, unless its policy asks for retries", () => {
  const twice = (method: string) => verdict(run({ method }), run({ method, attempt: "s:2", process: "b" }));
  expect(twice("Plain")).toEqual({ [UNASKED]: 1, ...NOTHING_LATE });
  expect(twice("Retried")).toEqual(NOTHING_LATE);
  expect(twice("Hedged")).toEqual(NOTHING_LATE);
});

test("every fault that can be planted is one of these", () => {
  const names = Object.keys(judge([]).faults);
  for (const { found } of Object.values(FAULTS as Record<string, { found: string }>))
    expect(names).toContain(found);
});
