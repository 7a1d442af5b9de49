/**
 * Streams of Connect's handlers and clients, and their tickets: renewed inside the stream, or ended with it.
 */
import { expect, test } from "vitest";
import { callerOf } from "../../src/connect/caller.js";
import { refusalOf } from "../../src/connect/refusal.js";
import { TurnedTimers } from "../../src/testing/turned-timers.js";
import { type ConnectWorld, openConnect } from "./world.js";

test("a stream of requests outlives its ticket at Connect's handlers, by Connect's client", async () => {
  await using world = await openConnect({
    handlers: {
      async *follow(requests, context) {
        for await (const { text } of requests) yield { text, owner: String(callerOf(context).endtime) };
      },
    },
  });
  const { realm, log, alice } = world;
  const say = texts();
  const heard = world.connect({ timer: realm.timer }).follow(say.texts)[Symbol.asyncIterator]();
  say.next("a");
  const first = await heard.next();
  realm.advance("9h30m");
  await alice.login("alice@TEST.EXAMPLE", "secret");
  realm.advance("20m");
  while (!log.some(({ text }) => String(text).startsWith("renewed until"))) await turn();
  realm.advance("2h");
  say.next("b");
  const second = await heard.next();
  expect(second.value.text).toBe("b");
  expect(Number(second.value.owner)).toBeGreaterThan(Number(first.value.owner));
  say.end();
  expect((await heard.next()).done).toBe(true);
});

test("a stream that nobody renews ends with its ticket, and its handler with it", async () => {
  let world: ConnectWorld | undefined;
  const timers = new TurnedTimers(() => world!.realm.now);
  let aborted = false;
  world = await openConnect({
    guard: { timer: timers.timer },
    handlers: {
      async *list(_, context) {
        yield { text: "begun", owner: "" };
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        aborted = true;
      },
    },
  });
  await using opened = world;
  const heard = opened.connect().list({})[Symbol.asyncIterator]();
  expect((await heard.next()).value.text).toBe("begun");
  opened.realm.advance("10h6m");
  timers.turned();
  const refusal = refusalOf(await heard.next().catch((error: unknown) => error));
  expect(refusal).toMatchObject({ reason: "KRB_AP_ERR_TKT_EXPIRED" });
  while (!aborted) await turn();
  expect(timers.size).toBe(0);
});

/** Requests that are sent one by one. */
function texts() {
  let give: (text: string | undefined) => void;
  let next = new Promise<string | undefined>((resolve) => {
    give = resolve;
  });
  const push = (text: string | undefined) => {
    const told = give;
    next = new Promise((resolve) => {
      give = resolve;
    });
    told(text);
  };
  return {
    next: (text: string) => push(text),
    end: () => push(undefined),
    texts: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const text = await next;
          if (text === undefined) return;
          yield { text };
        }
      },
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
