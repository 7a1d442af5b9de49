/** The caller below handlers that are not handed the call. */
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { callerOf } from "../../../src/services/guard/caller.js";
import { currentCaller } from "../../../src/services/guard/current-caller.js";
import { openWorld } from "./world.js";

const ALICE = "alice@TEST.EXAMPLE";
const BOB = "bob@TEST.EXAMPLE";

/** Who calls, asked some turns of the event loop below the handler. */
async function asked(): Promise<string> {
  await setImmediate();
  await null;
  return currentCaller().principal;
}

describe("currentCaller()", () => {
  test("is the caller of each of many calls at once, of every kind, wherever they lead", async () => {
    await using world = await openWorld({
      sessions: true,
      guard: { currentCaller: true },
      handlers: {
        say: (call, reply) => {
          expect(currentCaller()).toBe(callerOf(call));
          void asked().then((text) => reply(null, { text }));
        },
        list: (call) => {
          void asked().then((text) => call.end(void call.write({ text })));
        },
        join: (call, reply) => {
          const texts: Promise<string>[] = [];
          call.on("data", () => texts.push(asked()));
          call.on("end", () => void Promise.all(texts).then((all) => reply(null, { text: all.join(" ") })));
        },
        talk: (call) => {
          const written: Promise<unknown>[] = [];
          call.on("data", () => written.push(asked().then((text) => call.write({ text }))));
          call.on("end", () => void Promise.all(written).then(() => call.end()));
        },
      },
    });
    const alice = world.client();
    const bob = world.client({ as: await world.realm.login("bob") });
    const lines = ["1", "2"];
    for (const [client, principal] of [...Array(8)].flatMap(
      () =>
        [
          [alice, ALICE],
          [bob, BOB],
        ] as const,
    ))
      await Promise.all([
        expect(client.say("hello")).resolves.toBe(principal),
        expect(client.list("hello")).resolves.toEqual([principal]),
        expect(client.join(lines)).resolves.toBe(`${principal} ${principal}`),
        expect(client.talk(lines)).resolves.toEqual([principal, principal]),
      ]);
  });

  test("throws where the guard was not told to keep it, and outside of any call", async () => {
    const thrown: unknown[] = [];
    await using world = await openWorld({
      handlers: {
        say: (call, reply) => {
          try {
            currentCaller();
          } catch (error) {
            thrown.push(error);
          }
          reply(null, call.request);
        },
      },
    });
    await world.client().say("hello");
    expect(thrown).toEqual([expect.any(TypeError)]);
    expect(currentCaller).toThrow(/^currentCaller: /);
  });

  test("throws in a public method", async () => {
    await using world = await openWorld({
      guard: { currentCaller: true, public: ["chat.v1.Chat/Say"] },
      handlers: {
        say: (_, reply) =>
          void asked().then(
            (text) => reply(null, { text }),
            (error) => reply(error),
          ),
      },
    });
    await world.client().list("a call that is guarded, before it on the same connection");
    await expect(world.client({ public: ["chat.v1.Chat/Say"] }).say("hello")).rejects.toThrow(
      /currentCaller/,
    );
  });
});
