/** What challenges with a realm have in common. */
import { afterEach, expect, test, vi } from "vitest";
import { secondOpening } from "../../../src/lab/challenges/second-opening.js";
import { type Ending, everyMinute, staged } from "../../../src/lab/challenges/stage-realm.js";
import { Desk, until } from "./desk.js";

afterEach(() => void vi.useRealTimers());

test("a recording is made anew every minute, and the user's own calls open nothing a second time", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  await using desk = await Desk.with(secondOpening);
  const first = desk.text("recorded.b64");
  vi.advanceTimersByTime(59_999);
  expect(desk.text("recorded.b64")).toBe(first);
  vi.advanceTimersByTime(1);
  await until(() => (desk.text("recorded.b64") === first ? undefined : true));
  expect(desk.told).toEqual([]);
});

test("a recording that can't be made anew is told, and the next one is tried", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const endings: Ending[] = [];
  const told: string[] = [];
  let calls = 0;
  const work = async () => {
    if (++calls === 2) throw new Error("the disk is full");
  };
  await everyMinute(work, endings, (text) => void told.push(text));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(told).toEqual(["no new recording: Error: the disk is full"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls).toBe(3);
  for (const end of endings) await end();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(calls).toBe(3);
});

test("a stage that can't be set leaves nothing running", async () => {
  const ended: string[] = [];
  const stage = { scene: "lesson", flag: "", folder: "", told: () => {}, put: async () => {} } as const;
  const started = staged({ scene: "textbook" }, stage, async (realm, endings) => {
    endings.push(() => void ended.push("first"));
    endings.push(() => void ended.push("second"));
    endings.unshift(() => expect(() => realm.kdc).toThrow(/closed/));
    throw new Error("the stage can't be set");
  });
  await expect(started).rejects.toThrow("the stage can't be set");
  expect(ended).toEqual(["second", "first"]);
});
