import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ticketInterceptor } from "../../../src/client/index.js";
import { PROTECTIONS } from "../../../src/protocol/call-binding.js";
import type { HandlerContext } from "../../../src/rpc/server-runtime.js";
import { callerOf } from "../../../src/services/guard/caller.js";
import { guard } from "../../../src/services/guard/interceptor.js";
import { createTestRealm } from "../../../src/testing/index.js";
import { plain, serve } from "../../rpc/test-service.js";
import { CHAT_METHODS, openWorld, SERVICE, type World } from "./world.js";

describe("a guarded service made by hand", () => {
  describe.each(PROTECTIONS)("at protection %s", (protection) => {
    let world: World;
    beforeAll(async () => {
      world = await openWorld({ guard: { protection } });
    });
    afterAll(() => world[Symbol.asyncDispose]());

    test("answers a unary call", async () => {
      expect(await world.client({ protection }).say("hello")).toBe("hello");
    });

    test("answers with a stream, an empty one too", async () => {
      const client = world.client({ protection });
      expect(await client.list("a b c")).toEqual(["a", "b", "c"]);
      expect(await client.list("")).toEqual([]);
    });

    test("takes a stream, an empty one too", async () => {
      const client = world.client({ protection });
      expect(await client.join(["a", "b", "c"])).toBe("a b c");
      expect(await client.join([])).toBe("");
    });

    test("answers a stream with a stream, an empty one too", async () => {
      const client = world.client({ protection });
      expect(await client.talk(["a", "b", "c"])).toEqual(["a", "b", "c"]);
      expect(await client.talk([])).toEqual([]);
    });

    test("passes large messages on, of all kinds and in both directions", async () => {
      const client = world.client({ protection });
      const large = ["a", "b"].map((letter) => letter.repeat(100_000));
      expect(await client.say(large[0]!)).toBe(large[0]);
      expect(await client.list(large.join(" "))).toEqual(large);
      expect(await client.join(large)).toBe(large.join(" "));
      expect(await client.talk(large)).toEqual(large);
    });

    test("tells each handler who calls", async () => {
      world.seen.length = 0;
      const client = world.client({ protection });
      await client.say("a");
      await client.list("a");
      await client.join(["a"]);
      await client.talk(["a"]);
      expect(world.seen.map(({ method }) => method)).toEqual(CHAT_METHODS);
      for (const { caller } of world.seen)
        expect(caller).toMatchObject({
          principal: world.realm.principal("alice"),
          service: world.service,
          protection,
          endtime: world.realm.now + 36_000_000,
          authorizationData: [],
        });
    });
  });
});

describe("a guarded service of our own", () => {
  test.each(PROTECTIONS)("answers all four kinds of call at protection %s", async (protection) => {
    await using world = await openWorld();
    const callers: string[] = [];
    const note = (context: HandlerContext) => callers.push(callerOf(context).principal);
    const { replayCache, keys } = world;
    await using running = await serve(
      {
        say: (request, context) => {
          note(context);
          return plain.say(request, context);
        },
        count: (request, context) => {
          note(context);
          return plain.count(request, context);
        },
        sum: (requests, context) => {
          note(context);
          return plain.sum(requests, context);
        },
        echo: (requests, context) => {
          note(context);
          return plain.echo(requests, context);
        },
      },
      {
        interceptors: [
          guard({
            keytab: { serviceKeys: () => keys },
            replayCache,
            protection,
            clock: () => world.realm.now,
          }),
        ],
        client: { interceptors: [ticketInterceptor(world.alice, SERVICE, { protection })] },
      },
    );
    expect((await running.client.say("hello")).value).toBe("hello");
    expect(await values(running.client.count(3))).toEqual([1, 2, 3]);
    expect((await running.client.sum([{ value: 1 }, { value: 2 }])).value).toBe(3);
    expect(await values(running.client.echo([{ value: "a" }, { value: "b" }]))).toEqual(["a", "b"]);
    expect(callers).toEqual(Array(4).fill(world.realm.principal("alice")));
    expect(running.logged).toEqual([]);
  });
});

async function values<T>(stream: AsyncIterable<{ value: T }>): Promise<T[]> {
  const found: T[] = [];
  for await (const { value } of stream) found.push(value);
  return found;
}

test("a peer on a Unix socket is on this machine: weak encryption types are accepted from it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "guard-"));
  try {
    await using realm = await createTestRealm({
      profile: "textbook",
      users: { alice: "secret", bob: "other" },
      services: [SERVICE],
    });
    await using world = await openWorld({ realm, guard: { profile: "textbook" } });
    const address = `unix:${join(dir, "s")}`;
    await new Promise<void>((resolve, reject) => {
      const done = (error: Error | null) => (error ? reject(error) : resolve());
      world.server.bindAsync(address, grpc.ServerCredentials.createInsecure(), done);
    });
    expect(await world.client({ address }).say("a")).toBe("a");
    expect(world.log.at(-1)).toMatchObject({ client: "alice@TEST.EXAMPLE" });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
