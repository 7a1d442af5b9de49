/** What docs/lab.md says to try is refused as it says, in the scene that the lab begins with. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LiveRealm } from "../../../src/lab/live/live-realm.js";
import type { LiveMessage, LiveOutcome } from "../../../src/lab/live/live-state.js";

const page = readFileSync(new URL("../../../docs/lab.md", import.meta.url), "utf8");
/** The rows of the table: what is done, who refuses, and with what. */
const rows = [...page.matchAll(/^\| (.+?) \| (C|AS|TGS|V) \| `(\w+)` \|/gm)].map(([, what, by, reason]) => ({
  what: what!,
  by,
  reason,
}));

let live: LiveRealm;
const waiting: (() => void)[] = [];
beforeEach(async () => {
  live = await LiveRealm.start("textbook", Date.UTC(2026, 2, 1, 12), false);
  live.onChange = () => {
    for (const tell of waiting.splice(0)) tell();
  };
});
afterEach(() => live[Symbol.asyncDispose]());

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => waiting.push(resolve));
}

const held = (): LiveMessage | undefined => live.now().messages.find(({ isHeld }) => isHeld);
const outcomes = (): readonly LiveOutcome[] => live.now().state.outcomes;

/** Takes steps, and lets all of their messages go. */
async function through(...steps: ("login" | "ticket" | "access")[]): Promise<void> {
  for (const step of steps) {
    const before = outcomes().length;
    live.take(step);
    await until(() => outcomes().length > before);
  }
}

/** Takes a step, changes the message of that number, and lets it and those around it go. */
async function changed(
  step: "login" | "ticket" | "access",
  number: number,
  change: (message: LiveMessage) => void,
): Promise<void> {
  const before = outcomes().length;
  live.hold(true);
  live.take(step);
  await until(() => held() !== undefined);
  while (held()!.message.number !== number) {
    const passed = held()!.message.number;
    live.letGo();
    await until(() => held() !== undefined && held()!.message.number !== passed);
  }
  change(held()!);
  live.hold(false);
  await until(() => outcomes().length > before);
}

/** Flips a bit in the middle of what a field seals, as the page's button does. */
function flip(field: string) {
  return ({ message }: LiveMessage) => {
    const part = message.sealed.find((sealed) => sealed.field === field)!;
    const at = part.at + 8 * Math.floor(part.length / 16);
    live.changeByte(at, Number.parseInt(message.hex.slice(2 * at, 2 * at + 2), 16) ^ 1);
  };
}

/** Gives a field another value; `body.server` lies in the field `body`. */
function set(path: string, value: string) {
  return ({ message }: LiveMessage) => {
    let node = message.tree;
    for (const name of path.split(".")) {
      const nodes = [...node.children];
      for (const one of nodes) if (one.kind !== "field") nodes.push(...one.children);
      node = nodes.find((one) => one.kind === "field" && one.name === name)!;
    }
    live.changeField(node.at, value);
  };
}

const HOUR = 3_600_000;

/** Each thing to try, by what the page says of it. */
const EXPERIMENTS: Readonly<Record<string, () => Promise<unknown>>> = {
  "Log in with another password": async () => {
    live.take("login", "guess");
    await until(() => outcomes().length > 0);
  },
  "In (2), change the field `client` to `mallory@EXAMPLE.TEST`": () =>
    changed("login", 2, set("client", "mallory@EXAMPLE.TEST")),
  "In (2), flip a bit of what is sealed for the client": () => changed("login", 2, flip("enc_part")),
  "In (3), flip a bit of `Ticket_tgs`": async () => {
    await through("login");
    await changed("ticket", 3, flip("ticket"));
  },
  "In (3), change the field `body.server` to `krbtgt/EXAMPLE.TEST@EXAMPLE.TEST`": async () => {
    await through("login");
    await changed("ticket", 3, set("body.server", "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST"));
  },
  "In (5), flip a bit of the request": async () => {
    await through("login", "ticket");
    await changed("access", 5, flip("request"));
  },
  "In (6), flip a bit of the proof of V": async () => {
    await through("login", "ticket");
    await changed("access", 6, flip("ap_rep"));
  },
  "When V has answered, send (5) again": async () => {
    await through("login", "ticket", "access");
    const { call } = live.now().messages.find(({ message }) => message.number === 5)!;
    live.sendAgain(call);
    await until(() => outcomes().length > 3);
  },
  "When V has answered, turn the clock by +6 minutes and send (5) again": async () => {
    await through("login", "ticket", "access");
    live.turn(HOUR / 10);
    const { call } = live.now().messages.find(({ message }) => message.number === 5)!;
    live.sendAgain(call);
    await until(() => outcomes().length > 3);
  },
  "Log in, turn the clock by +11 hours, get a ticket": async () => {
    await through("login");
    live.turn(11 * HOUR);
    await through("ticket");
  },
};

describe("docs/lab.md", () => {
  it("has a row for each thing to try", () => {
    expect(rows.map(({ what }) => what)).toEqual(Object.keys(EXPERIMENTS));
  });

  it.each(rows)("$what: refused by $by with $reason", async ({ what, by, reason }) => {
    await EXPERIMENTS[what]!();
    const meaning = expect.stringMatching(/\.$/);
    expect(outcomes().at(-1)).toMatchObject({ verdict: "refused", by, reason, meaning });
  });
});
