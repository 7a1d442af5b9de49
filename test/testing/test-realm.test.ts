/** The realm for tests, as a developer of a guarded service meets it. */
import { connect } from "node:net";
import { expect, test } from "vitest";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../src/client/index.js";
import { createTestRealm } from "../../src/testing/index.js";

const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };
const HOUR = 3_600_000;

test("a realm in one line: standard, with V, on ports of its own", async () => {
  await using realm = await createTestRealm({ users: { alice: "secret" } });
  expect(realm.policy).toMatchObject({
    realm: "TEST.EXAMPLE",
    permittedEtypes: [20, 19],
    clockSkew: 300_000,
  });
  const addresses = [realm.kdc.as, realm.kdc.tgs, realm.v.address];
  expect(new Set(addresses).size).toBe(3);
  const alice = await realm.login("alice", "secret");
  expect((await alice.access(realm.v, WHO_AM_I, {})).client).toBe("alice@TEST.EXAMPLE");
  expect(realm.log).toHaveLength(3);
});

test("two realms stand side by side, and know nothing of each other's users", async () => {
  await using one = await createTestRealm({ users: { alice: "secret" } });
  await using other = await createTestRealm({ realm: "OTHER.EXAMPLE", users: { bob: "secret" } });
  await other.login("bob", "secret");
  await expect(one.login("bob", "secret")).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
  await expect(one.login("bob@OTHER.EXAMPLE", "secret")).rejects.toMatchObject({
    reason: "KDC_ERR_WRONG_REALM",
  });
});

test("the clock is the test's, both ways", async () => {
  const now = Date.UTC(2030, 0, 1);
  await using realm = await createTestRealm({ now });
  expect(realm.now).toBe(now);
  realm.advance("8h");
  realm.advance(500);
  realm.advance("-1h30m");
  realm.advance(-500);
  expect(realm.now).toBe(now + 6.5 * HOUR);
  for (const span of [Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => realm.advance(span)).toThrow(RangeError);
});

test("principals come, change and go while it runs", async () => {
  await using realm = await createTestRealm();
  await realm.addUser("alice", "secret");
  await realm.addService("shop/web");
  const alice = await realm.login("alice", "secret");
  expect((await alice.serviceTicket(realm.principal("shop/web"))).server).toBe("shop/web@TEST.EXAMPLE");
  await realm.change("alice", (entry) => ({ ...entry, disabled: true }));
  await expect(realm.login("alice", "secret")).rejects.toMatchObject({ reason: "KDC_ERR_CLIENT_REVOKED" });
  await realm.remove("alice");
  await expect(realm.login("alice", "secret")).rejects.toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
  await expect(realm.keys("alice")).rejects.toThrow(/no principal alice/);
});

test("limits are the test's", async () => {
  await using realm = await createTestRealm({ users: { alice: "secret" }, policy: { maxLife: HOUR } });
  const alice = await realm.login("alice", "secret");
  expect((await alice.cached())?.credentials[0]?.endtime).toBe(realm.now + HOUR);
});

test("at its end nobody listens any more", async () => {
  const realm = await createTestRealm();
  const ports = realm.servers.map(({ port }) => port);
  await realm.close();
  for (const port of ports) {
    const refused = await new Promise((resolve) => {
      connect(port, "127.0.0.1")
        .once("error", resolve)
        .once("connect", () => resolve(undefined));
    });
    expect(refused).toMatchObject({ code: "ECONNREFUSED" });
  }
});
