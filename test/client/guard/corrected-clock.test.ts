/** Guarded calls of a host whose clock is not any more what it was at login, over sockets. */
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { ticketInterceptor } from "../../../src/client/index.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import { toStatus } from "../../../src/rpc/status.js";
import { MemoryReplayCache } from "../../../src/store/replay/memory-replay-cache.js";
import { createTestRealm } from "../../../src/testing/index.js";
import { CHAT } from "../../services/guard/chat.js";
import { forge, refusalOf } from "../../services/guard/proof.js";
import { openWorld, SERVICE } from "../../services/guard/world.js";

const HOUR = 3_600_000;

async function openHost() {
  const world = await openWorld();
  const host = { off: -2 * HOUR };
  const alice = world.realm.client({ clock: () => world.realm.now + host.off });
  await alice.login(world.realm.principal("alice"), "secret");
  await alice.serviceTicket(world.service);
  host.off = 0;
  return { world, alice, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

describe.each(["authenticate", "integrity", "privacy"] as const)("at protection %s", (protection) => {
  test("a single request is made once more, and reaches the handler once", async () => {
    await using opened = await openHost();
    const { world, alice } = opened;
    const client = world.client({ as: alice, protection });
    expect(await client.say("a")).toBe("a");
    expect(world.log.map(({ result }) => result)).toEqual(["KRB_AP_ERR_SKEW", "OK"]);
    expect(world.seen).toHaveLength(1);
    expect((await alice.cached())?.kdcOffset).toBe(0);
    expect(await client.say("b")).toBe("b");
    expect(world.log).toHaveLength(3);
  });

  test("so is one that is answered by a stream", async () => {
    await using opened = await openHost();
    const { world, alice } = opened;
    expect(await world.client({ as: alice, protection }).list("a b")).toEqual(["a", "b"]);
  });

  test("so is a stream of requests", async () => {
    for (const kind of ["join", "talk"] as const) {
      await using opened = await openHost();
      const { world, alice } = opened;
      const answer = await world.client({ as: alice, protection })[kind](["a", "b", "c"]);
      expect(answer).toEqual(kind === "join" ? "a b c" : ["a", "b", "c"]);
      expect(world.seen).toHaveLength(1);
    }
  });
});

test("32 calls at once are all answered", async () => {
  await using opened = await openHost();
  const { world, alice } = opened;
  const client = world.client({ as: alice });
  const texts = Array.from({ length: 32 }, (_, at) => String(at));
  expect(await Promise.all(texts.map((text) => client.say(text)))).toEqual(texts);
  expect(world.seen).toHaveLength(32);
});

test("a service whose own clock is wrong is asked once: the KDC's time is what counts", async () => {
  let calls = 0;
  const skew = new KrbError("KRB_AP_ERR_SKEW", "clock skew too great", { offset_ms: "7200000" });
  await using world = await openWorld({
    handlers: {
      say: (_, callback) => {
        calls++;
        callback(toStatus(skew));
      },
    },
    before: [],
  });
  expect(await refusalOf(world.client().say("a"))).toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
  expect(calls).toBe(1);
  expect((await world.alice.cached())?.kdcOffset).toBe(0);
});

test("a service that can't know what it saw before its start asks for no other time", async () => {
  const startedAt = Date.UTC(2027, 0);
  const realm = await createTestRealm({
    users: { alice: "secret", bob: "other" },
    services: [SERVICE],
    now: startedAt,
  });
  const replayCache = new MemoryReplayCache({ skew: realm.policy.clockSkew, startedAt });
  await using world = await openWorld({ realm, guard: { replayCache } });
  await world.alice.serviceTicket(world.service);
  const asked = realm.log.length;
  expect(await refusalOf(world.client().say("a"))).toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
  expect(world.log).toHaveLength(1);
  expect(realm.log).toHaveLength(asked);
});

test("a call that is cancelled while the clock is measured ends once, as cancelled", async () => {
  await using opened = await openHost();
  const { world, alice } = opened;
  let measured = () => {};
  const measuring = new Promise<void>((resolve) => {
    measured = resolve;
  });
  const cancelled: (() => void)[] = [];
  const interceptors = [
    ticketInterceptor(
      {
        serviceProof: (service) => alice.serviceProof(service),
        correctClock: async () => {
          for (const cancel of cancelled) cancel();
          await measuring;
          return true;
        },
      },
      SERVICE,
    ),
  ];
  const { path, requestSerialize, responseDeserialize } = CHAT.say;
  const statuses = await new Promise<unknown[]>((resolve) => {
    const heard: unknown[] = [];
    const call = world
      .client({ interceptors })
      .makeUnaryRequest(path, requestSerialize, responseDeserialize, { text: "a" }, (error) => {
        heard.push(error?.code);
        measured();
        setImmediate(() => resolve(heard));
      });
    cancelled.push(() => call.cancel());
  });
  expect(statuses).toEqual([status.CANCELLED]);
  expect(world.seen).toHaveLength(0);
});

test("a source of one's own without a clock to correct has its refusal", async () => {
  await using world = await openWorld();
  const credentials = forge(world);
  const serviceProof = async () => ({ credentials, clock: () => world.realm.now + 2 * HOUR });
  const client = world.client({ interceptors: [ticketInterceptor({ serviceProof }, SERVICE)] });
  expect(await refusalOf(client.say("a"))).toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
});
