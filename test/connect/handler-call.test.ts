/** Connect's handlers behind the guard: what they are given, and what becomes of their answers. */
import { Code, ConnectError, createContextKey, createContextValues } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../../src/connect/refusal.js";
import { currentCaller } from "../../src/services/guard/current-caller.js";
import { ALICE, collect, notes, openConnect } from "./world.js";

describe("a handler", () => {
  test("ends its call as it says, proven: code, text, details, headers and trailers", async () => {
    await using world = await openConnect({
      handlers: {
        add: (_, context) => {
          context.responseHeader.set("x-head", "h");
          context.responseTrailer.set("x-trail-bin", "AAEC");
          throw new ConnectError("50 % of “it” is gone #1", Code.NotFound, { "x-own": "1" });
        },
        async *list() {
          yield { text: "one" };
          throw new Error("secret");
        },
      },
    });
    const client = world.connect();
    for (let round = 0; round < 2; round++) {
      const error = (await client.add({}).catch((thrown) => thrown)) as ConnectError;
      expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "50 % of “it” is gone #1" });
      expect(error.metadata.get("x-head")).toBe("h");
      expect(error.metadata.get("x-own")).toBe("1");
      expect(error.metadata.get("x-trail-bin")).toBe("AAEC");
      expect(refusalOf(error)).toBeUndefined();
      const received: string[] = [];
      const broken = (async () => {
        for await (const { text } of client.list({})) received.push(text);
      })();
      await expect(broken).rejects.toMatchObject({ code: Code.Internal, rawMessage: "internal error" });
      expect(received).toEqual(["one"]);
    }
  });

  test("is given headers without the proof, and what the server adds of its own", async () => {
    const seen: string[] = [];
    const key = createContextKey("none");
    await using world = await openConnect({
      adapter: { contextValues: () => createContextValues().set(key, "own") },
      handlers: {
        add: ({ text }, context) => {
          for (const [name] of context.requestHeader) seen.push(name);
          seen.push(context.values.get(key), context.requestHeader.get("x-own") ?? "");
          return { text };
        },
      },
    });
    await world.connect().add({}, { headers: { "x-own": "mine" } });
    expect(seen).toEqual(expect.arrayContaining(["x-own", "own", "mine", "content-type"]));
    expect(seen.filter((name) => name.startsWith("kerberos-"))).toEqual([]);
  });

  test("learns by its signal that the client has gone", async () => {
    let told = (_reason: unknown) => {};
    const aborted = new Promise<unknown>((resolve) => {
      told = resolve;
    });
    await using world = await openConnect({
      handlers: {
        async *follow(requests, context) {
          context.signal.addEventListener("abort", () => told(context.signal.reason));
          for await (const { text } of requests) yield { text };
        },
      },
    });
    const call = world.grpc().openFollow();
    call.on("error", () => {});
    call.write({ text: "hello" });
    await new Promise((resolve) => call.once("data", resolve));
    call.cancel();
    expect(await aborted).toMatchObject({ code: Code.Canceled });
  });

  test("may end a stream whose requests have not ended", async () => {
    await using world = await openConnect({
      handlers: {
        async addAll(requests) {
          for await (const _ of requests) return { added: 1 };
          return { added: 0 };
        },
      },
    });
    const waits = new Promise<void>(() => {});
    async function* endless() {
      yield { text: "first" };
      await waits;
    }
    expect(await world.connect().addAll(endless())).toMatchObject({ added: 1 });
    expect(await world.connect().addAll(notes())).toMatchObject({ added: 0 });
  });

  test("has a current caller where the guard is told to keep it", async () => {
    await using world = await openConnect({
      guard: { currentCaller: true },
      handlers: { add: async () => ({ text: (await Promise.resolve(currentCaller())).principal }) },
    });
    expect(await world.connect().add({})).toMatchObject({ text: ALICE });
  });
});

test("messages of many sizes go both ways", async () => {
  await using world = await openConnect();
  const client = world.connect({ protection: "integrity" });
  // The first call may be made twice, and keeps no more than 1 MiB for that.
  await client.add({});
  const texts = [0, 1, 5, 16_379, 16_384, 65_535, 300_000, 2_000_000].map((size) => "x".repeat(size));
  expect((await collect(client.follow(notes(...texts)))).map(({ text }) => text.length)).toEqual(
    texts.map(({ length }) => length),
  );
});
