/**
 * Tickets on request: each is refused by a guarded service for the reason it was made for, and for no other.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ticketInterceptor } from "../../src/client/index.js";
import { guard, KeytabFile, TicketFlag } from "../../src/services/index.js";
import { createTestRealm, type ForgedTicket } from "../../src/testing/index.js";
import { refusalOf } from "../services/guard/proof.js";
import { openWorld, SERVICE, type World } from "../services/guard/world.js";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

const say = (tickets: ForgedTicket) =>
  world.client({ interceptors: [ticketInterceptor(tickets, SERVICE)] }).say("hello");

describe("a guarded service answers to a ticket as its contents deserve", () => {
  test("a good one is let in, though no KDC made it: the service's key is all it takes", async () => {
    const flags = [TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT];
    await say(await world.realm.forge.ticket("nobody/admin", SERVICE, { flags }));
    expect(world.seen.at(-1)?.caller).toMatchObject({ principal: "nobody/admin@TEST.EXAMPLE", flags });
  });

  const refused: readonly (readonly [string, string, () => Promise<ForgedTicket>])[] = [
    ["expired", "KRB_AP_ERR_TKT_EXPIRED", () => world.realm.forge.expired("alice", SERVICE)],
    ["not yet valid", "KRB_AP_ERR_TKT_NYV", () => world.realm.forge.notYetValid("alice", SERVICE)],
    [
      "under a wrong key",
      "KRB_AP_ERR_BAD_INTEGRITY",
      () => world.realm.forge.underWrongKey("alice", SERVICE),
    ],
    ["under a newer key", "KRB_AP_ERR_BADKEYVER", () => world.realm.forge.underNewerKey("alice", SERVICE)],
    ["another client's", "KRB_AP_ERR_BADMATCH", () => world.realm.forge.inNameOf("bob", "alice", SERVICE)],
    ["another service's", "KRB_AP_ERR_NOT_US", () => world.realm.forge.ticket("alice", "v/localhost")],
    [
      "marked invalid",
      "KRB_AP_ERR_TKT_NYV",
      () => world.realm.forge.ticket("alice", SERVICE, { flags: [TicketFlag.INVALID] }),
    ],
    [
      "restricted",
      "KDC_ERR_POLICY",
      () =>
        world.realm.forge.ticket("alice", SERVICE, {
          authorizationData: [{ type: 99, data: new Uint8Array() }],
        }),
    ],
    [
      "for another address",
      "KRB_AP_ERR_BADADDR",
      () => world.realm.forge.ticket("alice", SERVICE, { addresses: ["192.0.2.1"] }),
    ],
  ];
  test.each(refused)("%s: %s", async (_what, reason, make) => {
    const before = world.seen.length;
    expect(await refusalOf(say(await make()))).toMatchObject({ reason });
    expect(world.seen).toHaveLength(before);
  });

  test("a good one grows old with the realm's clock", async () => {
    await using other = await openWorld();
    const tickets = await other.realm.forge.ticket("alice", SERVICE);
    const client = other.client({ interceptors: [ticketInterceptor(tickets, SERVICE)] });
    await client.say("hello");
    other.realm.advance("65m");
    await client.say("at the last moment");
    other.realm.advance(1);
    expect(await refusalOf(client.say("too late"))).toMatchObject({ reason: "KRB_AP_ERR_TKT_EXPIRED" });
  });
});

test("a service that is not there has no tickets", async () => {
  await expect(world.realm.forge.expired("alice", "shop/web")).rejects.toThrow(/no principal shop\/web/);
});

test("clients by name: the realm knows the passwords it was given", async () => {
  await using realm = await createTestRealm({ users: { alice: "secret" } });
  await realm.addUser("bob/admin", "other");
  for (const name of ["alice", "bob/admin"])
    expect((await (await realm.login(name)).cached())?.client).toBe(realm.principal(name));
  await expect(realm.login("alice", "guess")).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
  await expect(realm.login("carol")).rejects.toThrow(/no user carol/);
});

test("keytabs by name: a file as a service reads it", async () => {
  await using realm = await createTestRealm({ services: ["shop/web", "shop/api"] });
  const folder = await mkdtemp(join(tmpdir(), "keytab-"));
  try {
    const path = join(folder, "shop.keytab");
    await writeFile(path, await realm.keytab("shop/web", "shop/api"), { mode: 0o600 });
    const file = await KeytabFile.open(path);
    expect(file.principals).toEqual([realm.principal("shop/web"), realm.principal("shop/api")]);
    const { keys } = file.serviceKeys(realm.principal("shop/web"));
    expect(keys.map(({ key }) => Buffer.from(key.exportBytes()))).toEqual(
      (await realm.keys("shop/web")).keys.map(({ key }) => Buffer.from(key.exportBytes())),
    );
    const replayCache = { store: async () => {} };
    expect(guard({ keytab: file, service: realm.principal("shop/web"), replayCache })).toBeTypeOf("function");
  } finally {
    await rm(folder, { recursive: true });
  }
});
