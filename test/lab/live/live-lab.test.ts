/** The lab behind a page: what may be asked of it, what is refused, and what the page is told. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from "vitest";
import type { LabEvent } from "../../../src/lab/live/event-stream.js";
import type { JsonObject } from "../../../src/lab/live/json-body.js";
import type { LabRefusal } from "../../../src/lab/live/lab-refusal.js";
import { labRequests } from "../../../src/lab/live/lab-requests.js";
import { LiveLab } from "../../../src/lab/live/live-lab.js";
import type { LiveAttack, LiveEvents, LiveNow } from "../../../src/lab/live/live-state.js";

const dir = mkdtempSync(join(tmpdir(), "tessera-lab-test-"));
let lab: LiveLab;
let told: LabEvent[] = [];
/** Told of the next event. */
const waiting: (() => void)[] = [];
beforeAll(async () => {
  lab = await LiveLab.start("textbook-ecb", (event) => {
    // As a page gets it.
    told.push(JSON.parse(JSON.stringify(event)) as LabEvent);
    for (const tell of waiting.splice(0)) tell();
  });
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});
beforeEach(() => {
  told = [];
});

const ask = async (name: string, body: JsonObject = {}): Promise<unknown> =>
  labRequests(lab, dir)[name]!(body);
const refusal = (name: string, body: JsonObject = {}) =>
  ask(name, body).then(
    () => undefined,
    (error: LabRefusal) => [error.reason, error.message],
  );
const last = <Name extends keyof LiveEvents>(name: Name) =>
  told.findLast(({ event }) => event === name)?.data as LiveEvents[Name] | undefined;
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
}

test("a realm that can't be started leaves the lab to start another", async () => {
  const { TMPDIR } = process.env;
  const own = await LiveLab.start("textbook", () => {});
  process.env.TMPDIR = join(dir, "is-not-there");
  try {
    await expect(own.restart("standard")).rejects.toMatchObject({ code: "ENOENT" });
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
  expect(own.now().state.isStarting).toBe(false);
  expect(() => own.realm).toThrow("the realm could not be started: start it anew");
  await own.restart("standard");
  expect(own.realm.now().state.scene).toBe("standard");
  await own[Symbol.asyncDispose]();
});

describe("what makes no sense", () => {
  it.each([
    ["start", { scene: "v4" }, "no scene v4; there are textbook-ecb, textbook, standard"],
    ["start", { scene: "constructor" }, "no scene constructor; there are textbook-ecb, textbook, standard"],
    ["start", {}, "scene: expected text"],
    ["take", { step: "logout" }, "step: expected login, ticket, access"],
    ["take", { step: "login", password: 7 }, "password: expected text"],
    ["hold", { holds: "yes" }, "holds: expected true or false"],
    ["change-byte", { at: "0", value: 1 }, "at: expected a whole number"],
    ["change-byte", { at: 0.5, value: 1 }, "at: expected a whole number"],
    ["change-field", { at: 0 }, "text: expected text"],
    ["turn", { ms: Number.NaN }, "ms: expected a whole number"],
    ["send-again", { call: 0 }, "no such request has travelled"],
    ["attack", { name: "constructor", scene: "standard" }, 'no attack "constructor"'],
    ["attack", { name: "replay", scene: "v4" }, "no scene v4; there are textbook-ecb, textbook, standard"],
  ])("is refused: %s %j", async (name, body, text) => {
    expect(await refusal(name, body)).toEqual(["BAD_REQUEST", text]);
  });

  it.each(["let-go", "lose", "restore"])("is refused: %s, and nothing is held", async (name) => {
    expect(await refusal(name)).toEqual(["NOT_NOW", "no message is held"]);
  });
});

it("tells each message as it comes to be held, changes, and goes on", async () => {
  await ask("take", { step: "login" });
  await until(() => last("message") !== undefined);
  expect(last("message")).toMatchObject({ at: 0, message: { isHeld: true, message: { number: 1 } } });
  expect(last("state")).toMatchObject({ running: "login", held: 0, possible: [] });
  const { hex } = last("message")!.message.message;
  await ask("change-byte", { at: 3, value: 0 });
  expect(last("message")).toMatchObject({ at: 0, message: { isHeld: true, was: hex } });
  await ask("restore");
  expect(last("message")?.message.was).toBeUndefined();
  await ask("hold", { holds: false });
  await until(() => last("state")?.running === null);
  expect(last("message")).toMatchObject({ at: 1, message: { isHeld: false, message: { number: 2 } } });
  expect(last("state")).toMatchObject({ holds: false, possible: ["login", "ticket"] });
  // What a page that comes now is told is what the others know.
  expect(JSON.parse(JSON.stringify(lab.now().state))).toEqual(last("state"));
});

it("starts the realm of another scene, in which nothing has travelled", async () => {
  const started = ask("start", { scene: "standard" });
  expect(last("now")).toMatchObject({ state: { isStarting: true, scene: "standard" }, messages: [] });
  expect(await refusal("take", { step: "login" })).toEqual(["NOT_NOW", "the realm is being started"]);
  expect(await refusal("start", { scene: "standard" })).toEqual(["NOT_NOW", "the realm is being started"]);
  await started;
  const { state, messages } = last("now") as LiveNow;
  expect([state.isStarting, state.scene, state.holds, state.outcomes, messages]).toEqual([
    false,
    "standard",
    false,
    [],
    [],
  ]);
});

it("starts anew while a message is held, which is lost with its realm", async () => {
  await ask("hold", { holds: true });
  await ask("take", { step: "login" });
  await until(() => last("state")?.held === 0);
  told = [];
  await ask("start", { scene: "textbook" });
  expect(told.map(({ event }) => event)).toEqual(["now", "now"]);
  expect(last("now")).toMatchObject({ state: { running: null, held: null, outcomes: [] }, messages: [] });
  await ask("take", { step: "login" });
  await until(() => last("state")?.held === 0);
});

it("runs an attack in a realm of its own, step by step, and again where it is blocked", async () => {
  const runOf = (scene: "textbook-ecb" | "standard") =>
    (last("attack") as LiveAttack | undefined)?.runs[scene];
  await ask("attack", { name: "bit-flip", scene: "textbook-ecb" });
  expect(await refusal("attack", { name: "replay", scene: "standard" })).toEqual([
    "NOT_NOW",
    "an attack is under way: wait for its end",
  ]);
  await until(() => runOf("textbook-ecb")?.isRunning === false);
  expect(runOf("textbook-ecb")).toMatchObject({ outcome: { verdict: "ALLOWED" }, isAsExpected: true });
  expect(runOf("textbook-ecb")?.steps.length).toBeGreaterThan(1);
  await ask("attack", { name: "bit-flip", scene: "standard" });
  await until(() => runOf("standard")?.isRunning === false);
  expect(runOf("standard")?.outcome).toMatchObject({
    verdict: "BLOCKED",
    by: "KRB_AP_ERR_BAD_INTEGRITY",
    at: "V",
  });
  expect(lab.now().attacks.find(({ name }) => name === "bit-flip")?.runs).toEqual(
    (last("attack") as LiveAttack).runs,
  );
});

describe("the score", () => {
  it("of a folder that is not there is that of nothing done", async () => {
    const { solved, rows } = (await ask("score")) as { solved: number; rows: unknown[] };
    expect([solved, rows.length]).toEqual([0, 12]);
  });

  it("of a folder that holds something else is refused in its own words", async () => {
    writeFileSync(join(dir, "challenges.json"), "{", { mode: 0o600 });
    await expect(ask("score")).rejects.toThrow("challenges.json: not the progress of challenges");
  });
});
