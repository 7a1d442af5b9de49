/** What the lessons have their readers do in the lab: the buttons are there, and it comes out as they say. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { LiveRealm } from "../../src/lab/live/live-realm.js";
import type { ClientStep } from "../../src/lab/live/live-state.js";
import { ROOT } from "../package/tarball.js";
import { lessonText } from "./lesson-page.js";

let lab: LiveRealm;
/** Told of the next change. */
const waiting: (() => void)[] = [];
afterEach(() => lab[Symbol.asyncDispose]());

/** Starts the lab and takes steps in it; from then on messages are held. */
async function start(scene: "textbook" | "standard", ...steps: ClientStep[]): Promise<void> {
  lab = await LiveRealm.start(scene, Date.UTC(2026, 10, 30, 12), false);
  lab.onChange = () => {
    for (const tell of waiting.splice(0)) tell();
  };
  for (const step of steps) {
    lab.take(step);
    await idle();
  }
  lab.hold(true);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
}
const state = () => lab.now().state;
const idle = () => until(() => state().running === null);

/** Takes a step, in whose first message a byte is changed; who refuses, by what name. */
async function changing(step: ClientStep, number: number, at: number) {
  lab.take(step);
  await until(() => state().held !== null);
  const { message } = lab.now().messages[state().held!]!;
  expect(message.number).toBe(number);
  const place = at < 0 ? message.hex.length / 2 + at : at;
  lab.changeByte(place, Number.parseInt(message.hex.slice(2 * place, 2 * place + 2), 16) ^ 1);
  lab.hold(false);
  await idle();
  lab.hold(true);
  return outcome();
}

function outcome() {
  const { verdict, by, reason, text } = state().outcomes.at(-1)!;
  return verdict === "refused" ? `${by}: ${reason}: ${text}` : verdict;
}

describe("in the second lesson", () => {
  test.each([
    [60, "V: KRB_AP_ERR_BAD_INTEGRITY: the ticket can't be opened with this server's key"],
    [250, "V: KRB_AP_ERR_BAD_INTEGRITY: the authenticator can't be opened with the ticket's session key"],
    [-1, "V: KRB_AP_ERR_MODIFIED: the request is not the one the authenticator was made for"],
  ])("byte %i of message (5) is changed", async (at, expected) => {
    await start("textbook", "login", "ticket");
    expect(await changing("access", 5, at)).toContain(expected);
  });

  test("the last byte of message (3) is changed", async () => {
    await start("textbook", "login");
    expect(await changing("ticket", 3, -1)).toMatch(/^TGS: KRB_AP_ERR_MODIFIED: /);
  });
});

test("in the third lesson a copy is sent at once, and six minutes later", async () => {
  await start("standard", "login", "ticket", "access");
  lab.hold(false);
  expect(outcome()).toBe("done");
  const call = lab.interception.calls.length - 1;
  lab.sendAgain(call);
  await idle();
  expect(outcome()).toMatch(/^V: KRB_AP_ERR_REPEAT: /);
  lab.turn(6 * 60_000);
  lab.sendAgain(call);
  await idle();
  expect(outcome()).toMatch(/^V: KRB_AP_ERR_SKEW: /);
});

test("the buttons that the lessons name are on the page", async () => {
  await start("textbook");
  const dir = join(ROOT, "src/lab/page/live");
  const page = readdirSync(dir)
    .map((file) => readFileSync(join(dir, file), "utf8"))
    .join("\n");
  const named = ["2-ecb-and-integrity.md", "3-replay-clocks-names.md"].flatMap((name) =>
    lessonText(name)
      .split(/\n```sh\ntessera lab/)
      .slice(1)
      .flatMap((after) =>
        [...after.split("\n## ")[0]!.matchAll(/\*([^*]+)\*/g)].map(([, text]) => text!.replace(/\s+/g, " ")),
      ),
  );
  expect(named.length).toBeGreaterThan(3);
  for (const text of named) expect(page.includes(text), text).toBe(true);
});
