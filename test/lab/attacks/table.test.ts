/** The table of attacks: every row has its name, its topic in order, and words. */
import { expect, test } from "vitest";
import { isAsExpected, TOPICS } from "../../../src/lab/attacks/attack.js";
import { ATTACK_NAMES } from "../../../src/lab/attacks/names.js";
import { runAttack } from "../../../src/lab/attacks/run-attack.js";
import { ATTACKS, attackNamed } from "../../../src/lab/attacks/table.js";

test("has the names, once each, topic by topic", () => {
  expect(ATTACKS.map(({ name }) => name)).toEqual(ATTACK_NAMES);
  const topics = ATTACKS.map(({ topic }) => TOPICS.indexOf(topic));
  expect(topics).toEqual(topics.toSorted((a, b) => a - b));
});

test("each says what it needs, and teaches something in whole sentences", () => {
  for (const { name, has, lesson, title } of ATTACKS) {
    expect(lesson, name).toMatch(/^[A-Z].{200,}\.$/s);
    expect(title, name).toMatch(/[^.]$/);
    expect(has, name).toMatch(/[^.]$/);
  }
});

test("an outcome is as expected if verdict, refusal and checker are", () => {
  const blocked = { verdict: "BLOCKED", by: "KRB_AP_ERR_REPEAT", at: "V", text: "" } as const;
  const allowed = { verdict: "ALLOWED", gained: "" } as const;
  expect(isAsExpected(blocked, ["KRB_AP_ERR_REPEAT", "V"])).toBe(true);
  expect(isAsExpected(blocked, ["KRB_AP_ERR_SKEW", "V"])).toBe(false);
  expect(isAsExpected(blocked, ["KRB_AP_ERR_REPEAT", "AS"])).toBe(false);
  expect(isAsExpected(blocked, "ALLOWED")).toBe(false);
  expect(isAsExpected(allowed, "ALLOWED")).toBe(true);
  expect(isAsExpected(allowed, ["KRB_AP_ERR_REPEAT", "V"])).toBe(false);
});

test("a run has a realm of its own, and reports the steps as they are taken", async () => {
  const told: string[] = [];
  const report = await runAttack(attackNamed("replay"), "standard", (step) => void told.push(step));
  expect(report).toMatchObject({ scene: "standard", asExpected: true, steps: told });
  expect(told.length).toBeGreaterThan(0);
});
