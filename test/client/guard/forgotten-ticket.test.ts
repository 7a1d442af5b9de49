/**
 * A ticket that its service refuses is forgotten where a new one mends it, over sockets; nothing else follows
 * from a refusal.
 */
import { describe, expect, test } from "vitest";
import { type TicketSource, ticketInterceptor } from "../../../src/client/index.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";
import { KrbError } from "../../../src/protocol/krb-error.js";
import type { ServiceKeys } from "../../../src/protocol/ticket.js";
import { toStatus } from "../../../src/rpc/status.js";
import { forge, refusalOf } from "../../services/guard/proof.js";
import { openWorld, SERVICE, type World } from "../../services/guard/world.js";

/** How often the TGS was asked. */
function asked({ realm }: World): number {
  return realm.log.filter(({ exchange }) => exchange === "TGS").length;
}

/** Gives the service another key at the KDC and in its keytab, and takes the old ones away. */
async function rekey(world: World, kvno: number): Promise<ServiceKeys> {
  const keys = [{ kvno, key: randomKey(etypeOf(20)) }];
  await world.realm.change(SERVICE, (entry) => ({ ...entry, keys }));
  return world.realm.keys(SERVICE);
}

async function openRekeyable(): Promise<{ world: World; rekeyTo(kvno: number): Promise<void> }> {
  let keys: ServiceKeys | undefined;
  const world: World = await openWorld({ guard: { keytab: () => keys ?? world.keys } });
  return {
    world,
    rekeyTo: async (kvno) => {
      keys = await rekey(world, kvno);
    },
  };
}

describe("a ticket under a key that the service has no more", () => {
  test.each([
    { what: "by its version", kvno: 2, reason: "KRB_AP_ERR_BADKEYVER" },
    { what: "of a principal made anew", kvno: 1, reason: "KRB_AP_ERR_BAD_INTEGRITY" },
  ])("is refused, $what, and the next call has a new one", async ({ kvno, reason }) => {
    const { world, rekeyTo } = await openRekeyable();
    await using _ = world;
    const client = world.client();
    expect(await client.say("a")).toBe("a");
    await rekeyTo(kvno);
    expect(await refusalOf(client.say("b"))).toMatchObject({ code: "UNAUTHENTICATED", reason });
    expect(await client.say("c")).toBe("c");
    expect(await client.list("c d")).toEqual(["c", "d"]);
    expect(asked(world)).toBe(2);
  });

  test("costs one new ticket, however many calls are refused", async () => {
    const { world, rekeyTo } = await openRekeyable();
    await using _ = world;
    const client = world.client();
    await client.say("a");
    await rekeyTo(2);
    const calls = await Promise.allSettled(Array.from({ length: 20 }, () => client.say("b")));
    expect(calls.every(({ status }) => status === "rejected")).toBe(true);
    await Promise.all(Array.from({ length: 20 }, () => client.say("c")));
    expect(asked(world)).toBe(2);
  });
});

test("refusals without end cost the KDC one exchange in ten seconds, and never the login", async () => {
  await using world = await openWorld({
    handlers: { say: (_, callback) => callback(toStatus(new KrbError("KRB_AP_ERR_BADKEYVER", "forged"))) },
  });
  const client = world.client();
  for (let calls = 0; calls < 5; calls++)
    expect(await refusalOf(client.say("a"))).toMatchObject({ reason: "KRB_AP_ERR_BADKEYVER" });
  expect(asked(world)).toBe(2);
  world.realm.advance("10s");
  for (let calls = 0; calls < 5; calls++) await refusalOf(client.say("a"));
  expect(asked(world)).toBe(3);
  expect(await client.list("a")).toEqual(["a"]);
  expect(await world.alice.cached()).toMatchObject({ client: world.realm.principal("alice") });
});

describe("a source of tickets of one's own", () => {
  function sourceOf(world: World, forgetTicket?: TicketSource["forgetTicket"]) {
    const credentials = forge(world, {}, 7);
    const serviceProof: TicketSource["serviceProof"] = async () => ({
      credentials,
      clock: () => world.realm.now,
    });
    return { credentials, tickets: forgetTicket ? { serviceProof, forgetTicket } : { serviceProof } };
  }

  const refused = { code: "UNAUTHENTICATED", reason: "KRB_AP_ERR_BADKEYVER" };
  const say = (world: World, tickets: TicketSource) =>
    world.client({ interceptors: [ticketInterceptor(tickets, SERVICE)] }).say("a");

  test("is told which ticket was refused before the application is", async () => {
    await using world = await openWorld();
    const told: Credentials[] = [];
    const { credentials, tickets } = sourceOf(world, async (ticket) => void told.push(ticket));
    const refusal = refusalOf(say(world, tickets)).finally(() => expect(told).toEqual([credentials]));
    expect(await refusal).toMatchObject(refused);
  });

  test("need not listen, and may fail", async () => {
    await using world = await openWorld();
    expect(await refusalOf(say(world, sourceOf(world).tickets))).toMatchObject(refused);
    const failing = sourceOf(world, () => Promise.reject(new Error("disk full")));
    expect(await refusalOf(say(world, failing.tickets))).toMatchObject(refused);
  });
});

test("forgetting never takes the login's own ticket, nor one that took the refused one's place", async () => {
  await using world = await openWorld();
  const { alice, service } = world;
  const [tgt] = (await alice.cached())!.credentials;
  await alice.forgetTicket(tgt!);
  const ticket = await alice.serviceTicket(service);
  await alice.forgetTicket({ ...ticket, ticket: Uint8Array.of(1) });
  expect((await alice.cached())!.credentials).toEqual([tgt, ticket]);
  await alice.forgetTicket(ticket);
  expect((await alice.cached())!.credentials).toEqual([tgt]);
});
