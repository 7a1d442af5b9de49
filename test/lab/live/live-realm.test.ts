/**
 * A realm that is played with: what is held, changed, lost and sent again, and what the parties make of it.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LabRefusal } from "../../../src/lab/live/lab-refusal.js";
import { LiveRealm } from "../../../src/lab/live/live-realm.js";
import type { LiveMessage, LiveOutcome } from "../../../src/lab/live/live-state.js";
import type { Scene } from "../../../src/lab/realm/scene-name.js";

const NOON = Date.UTC(2026, 2, 1, 12);

let live: LiveRealm;
/** Told of the next change. */
const waiting: (() => void)[] = [];
async function start(scene: Scene = "textbook") {
  live = await LiveRealm.start(scene, NOON, true);
  live.onChange = () => {
    for (const tell of waiting.splice(0)) tell();
  };
}
beforeEach(() => start());
afterEach(() => live[Symbol.asyncDispose]());

/** Waits until something holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
}

const held = () => {
  const { state, messages } = live.now();
  return state.held === null ? undefined : messages[state.held];
};
const isHeld = (number: number) => until(() => held()?.message.number === number);
const isOver = () => until(() => live.now().state.running === null);
const lastOutcome = (): LiveOutcome => live.now().state.outcomes.at(-1)!;

/** Takes a step and lets all of its messages go. */
async function through(step: "login" | "ticket" | "access"): Promise<LiveOutcome> {
  live.hold(false);
  live.take(step);
  await isOver();
  live.hold(true);
  return lastOutcome();
}

const refusal = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    return (error as LabRefusal).reason;
  }
  return undefined;
};

/** Where the field of that name begins in a message. */
function fieldAt({ message }: LiveMessage, name: string): number {
  const nodes = [message.tree];
  for (const node of nodes) {
    if (node.kind === "field" && node.name === name) return node.at;
    nodes.push(...node.children);
  }
  throw new Error(`no field ${name}`);
}

describe("a dialogue, held", () => {
  it("goes on message by message, each before it is sent and before it is taken", async () => {
    const seen: unknown[] = [];
    for (const step of ["login", "ticket", "access"] as const) {
      live.take(step);
      for (const number of { login: [1, 2], ticket: [3, 4], access: [5, 6] }[step]) {
        await isHeld(number);
        const { message, ...how } = held()!;
        seen.push([message.number, message.from, message.to]);
        expect(how).toEqual({ isHeld: true, isLost: false, isAgain: false, call: (number - 1) >> 1 });
        live.letGo();
      }
      await isOver();
      expect(lastOutcome().verdict).toBe("done");
    }
    expect(seen).toEqual([
      [1, "C", "AS"],
      [2, "AS", "C"],
      [3, "C", "TGS"],
      [4, "TGS", "C"],
      [5, "C", "V"],
      [6, "V", "C"],
    ]);
    expect(lastOutcome().text).toBe("V knows who calls: alice@EXAMPLE.TEST");
    const { messages } = live.transcript();
    expect(messages.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(messages.every(({ sealed }) => sealed.every(({ opened }) => opened !== undefined))).toBe(true);
  });

  it("is one step at a time, in order", async () => {
    expect(refusal(() => live.take("ticket"))).toBe("NOT_NOW");
    expect(refusal(() => live.letGo())).toBe("NOT_NOW");
    live.take("login");
    expect(refusal(() => live.take("login"))).toBe("NOT_NOW");
    expect(refusal(() => live.sendAgain(0))).toBe("NOT_NOW");
    expect(live.now().state.possible).toEqual([]);
    await isHeld(1);
    expect(live.transcript().messages).toEqual([]);
  });

  it("ends without an answer where a message is lost", async () => {
    live.take("login");
    await isHeld(1);
    live.lose();
    await isOver();
    expect(lastOutcome()).toEqual({
      what: "log in",
      verdict: "failed",
      text: "no answer: the request was lost on the way",
    });
    expect(live.now().messages).toMatchObject([{ isLost: true, isHeld: false }]);
    expect(live.now().state.possible).toEqual(["login"]);
  });
});

describe("a message changed on its way", () => {
  it("is refused by the check that finds it: a byte of the ticket, by the TGS", async () => {
    await through("login");
    live.take("ticket");
    await isHeld(3);
    const before = held()!.message;
    const part = before.sealed.find(({ field }) => field === "ticket")!;
    const at = part.at + part.length - 1;
    live.changeByte(at, Number.parseInt(before.hex.slice(2 * at, 2 * at + 2), 16) ^ 1);
    expect(held()).toMatchObject({ was: before.hex });
    live.letGo();
    await isOver();
    expect(lastOutcome()).toMatchObject({
      verdict: "refused",
      by: "TGS",
      reason: "KRB_AP_ERR_BAD_INTEGRITY",
      code: 31,
    });
    const { messages } = live.now();
    expect(messages.at(-2)).toMatchObject({ was: before.hex, isHeld: false });
    expect(messages.at(-1)?.message).toMatchObject({
      number: 4,
      refusal: { reason: "KRB_AP_ERR_BAD_INTEGRITY" },
    });
  });

  it("is refused by the check that finds it: the name of the server, by the checksum over the body", async () => {
    await through("login");
    live.take("ticket");
    await isHeld(3);
    live.changeField(fieldAt(held()!, "server"), "0x00");
    live.restore();
    expect(held()?.was).toBeUndefined();
    const message = held()!;
    const body = message.message.tree.children.find(({ name }) => name === "body")!;
    const server = { message: { ...message.message, tree: body } } as LiveMessage;
    live.changeField(fieldAt(server, "server"), "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST");
    live.letGo();
    await isOver();
    expect(lastOutcome()).toMatchObject({ verdict: "refused", by: "TGS", reason: "KRB_AP_ERR_MODIFIED" });
  });

  it("is refused by the client, where it is an answer", async () => {
    live.take("login");
    await isHeld(1);
    live.letGo();
    await isHeld(2);
    live.changeField(fieldAt(held()!, "client"), "mallory@EXAMPLE.TEST");
    live.letGo();
    await isOver();
    expect(lastOutcome()).toMatchObject({ verdict: "refused", by: "C", reason: "KRB_AP_ERR_MODIFIED" });
  });

  it("may be no message at all any more", async () => {
    live.take("login");
    await isHeld(1);
    live.changeByte(0, 0xff);
    expect(held()?.message.hex.startsWith("ff")).toBe(true);
    live.letGo();
    await isOver();
    expect(lastOutcome()).toMatchObject({ verdict: "refused", by: "AS", reason: "KRB_ERR_GENERIC" });
  });

  it("is not changed where there is nothing to change", async () => {
    for (const change of [() => live.changeByte(0, 0), () => live.changeField(0, "x"), () => live.restore()])
      expect(refusal(change)).toBe("NOT_NOW");
    live.take("login");
    await isHeld(1);
    expect(refusal(() => live.changeByte(100_000, 0))).toBe("BAD_REQUEST");
    expect(refusal(() => live.changeField(1, "x"))).toBe("BAD_REQUEST");
  });
});

describe("a request sent again", () => {
  it("is a replay to V, and the same answer to the AS", async () => {
    for (const step of ["login", "ticket", "access"] as const) await through(step);
    live.hold(false);
    live.sendAgain(2);
    await isOver();
    expect(lastOutcome()).toMatchObject({ verdict: "refused", by: "V", reason: "KRB_AP_ERR_REPEAT" });
    live.sendAgain(0);
    await isOver();
    expect(lastOutcome()).toMatchObject({ verdict: "done", text: "AS answered the AS-REQ" });
    const { messages } = live.now();
    expect(messages.at(-2)).toMatchObject({ isAgain: true });
    expect(messages.at(-1)?.message.hex).toBe(messages[1]?.message.hex);
    expect(refusal(() => live.sendAgain(99))).toBe("BAD_REQUEST");
  });
});

describe("the clock", () => {
  it("stands still until it is turned, and tickets end by it", async () => {
    for (const step of ["login", "ticket"] as const) await through(step);
    expect(live.now().state.time).toBe("2026-03-01T12:00:00.000Z");
    live.take("access");
    await isHeld(5);
    live.turn(6 * 60_000);
    expect(live.now().state).toMatchObject({ time: "2026-03-01T12:06:00.000Z", turnedMs: 360_000 });
    live.letGo();
    const answer = () => live.now().messages[5]?.message;
    await until(() => answer() !== undefined);
    expect(answer()?.refusal?.reason).toBe("KRB_AP_ERR_SKEW");
  });

  it.each([0.5, Number.NaN, 1e15])("is not turned by %d ms", (ms) => {
    expect(refusal(() => live.turn(ms))).toBe("BAD_REQUEST");
  });
});

it("takes a wrong password to the AS, which refuses it", async () => {
  live.hold(false);
  live.take("login", "wrong");
  await isOver();
  expect(lastOutcome()).toMatchObject({ verdict: "refused", by: "AS", reason: "KDC_ERR_PREAUTH_FAILED" });
});

it.each(["textbook-ecb", "standard"] as const)("plays the scene %s", async (scene) => {
  await live[Symbol.asyncDispose]();
  await start(scene);
  for (const step of ["login", "ticket", "access"] as const)
    expect((await through(step)).verdict).toBe("done");
  expect(live.now().state.scene).toBe(scene);
  const sealed = live.now().messages.flatMap(({ message }) => message.sealed);
  const etypes = { "textbook-ecb": "des-ecb", standard: "aes256-cts-hmac-sha384-192" };
  expect(new Set(sealed.map(({ etype }) => etype))).toEqual(new Set([etypes[scene]]));
});
