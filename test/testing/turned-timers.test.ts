/** Timers that a test wakes by turning its clock. */
import { expect, test } from "vitest";
import { TurnedTimers } from "../../src/testing/turned-timers.js";

function open() {
  const state = { now: 0 };
  const timers = new TurnedTimers(() => state.now);
  const woken: string[] = [];
  return {
    timers,
    woken,
    wait: (ms: number, name: string) => timers.timer(ms, () => woken.push(name)),
    turn: (ms: number) => {
      state.now += ms;
      timers.turned();
    },
  };
}

test("wakes whose time has come, the earliest first, and each once", () => {
  const { wait, turn, woken, timers } = open();
  wait(20, "late");
  wait(10, "early");
  wait(100, "much later");
  turn(9);
  expect(woken).toEqual([]);
  turn(50);
  turn(1);
  expect(woken).toEqual(["early", "late"]);
  expect(timers.size).toBe(1);
});

test("wakes nobody who was called off, even by one who was woken before", () => {
  const { wait, turn, woken, timers } = open();
  wait(1, "off")();
  timers.timer(5, () => stop());
  const stop = wait(6, "off too");
  turn(10);
  expect(woken).toEqual([]);
  expect(timers.size).toBe(0);
});

test("who waits anew while others are woken is woken at the next turn at the earliest", () => {
  const { turn, timers } = open();
  let count = 0;
  const again = () => {
    count++;
    timers.timer(0, again);
  };
  timers.timer(1, again);
  turn(1);
  turn(0);
  expect(count).toBe(2);
});
