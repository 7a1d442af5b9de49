/** What is learned of methods from turns that are made of several. */
import { expect, test } from "vitest";
import { Costs } from "../../../src/rpc/entrance/costs.js";

test("methods of turns that differ come to their own costs each", () => {
  const costs = new Costs();
  const real = { login: 1, health: 0.05 };
  const turns = [
    { login: 10, health: 2 },
    { login: 1, health: 40 },
    { login: 5, health: 0 },
  ];
  for (let i = 0; i < 600; i++) {
    const { login, health } = turns[i % turns.length]!;
    const calls = new Map(Object.entries({ login, health }).filter(([, count]) => count > 0));
    costs.learn(calls, login * real.login + health * real.health);
  }
  expect(costs.of("login")).toBeCloseTo(1, 1);
  expect(costs.of("health")).toBeCloseTo(0.05, 2);
});

test("a turn that was held up changes little, and what is unknown costs what calls cost on average", () => {
  const costs = new Costs();
  for (let i = 0; i < 200; i++) costs.learn(new Map([["a", 10]]), 5);
  expect(costs.of("a")).toBeCloseTo(0.5, 3);
  expect(costs.of("unknown")).toBeCloseTo(0.5, 3);
  costs.learn(new Map([["a", 1]]), 1_000);
  expect(costs.of("a")).toBeLessThan(0.6);
});

test("paths that callers make up do not drive out what is called all the time", () => {
  const costs = new Costs();
  for (let i = 0; i < 2_000; i++) {
    const dear = new Map([
      ["dear", 9],
      [`made up ${i}`, 1],
    ]);
    costs.learn(dear, 10);
    costs.learn(new Map([["cheap", 20]]), 2);
  }
  const usual = costs.of("never heard of");
  expect(costs.of("made up 1")).toBe(usual);
  expect(costs.of("cheap")).toBeLessThan(usual / 2);
  expect(costs.of("dear")).toBeGreaterThan(usual * 1.5);
});
