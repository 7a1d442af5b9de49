/**
 * What ends a TGT before its time: a key that was replaced long ago, a new password, a new principal of the
 * same name.
 */
import { expect, test } from "vitest";
import { memoryCache } from "../../src/client/index.js";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import type { LongTermKey } from "../../src/protocol/keys.js";
import { withPassword, withRandomKeys } from "../../src/protocol/new-principal.js";
import { keyRetention } from "../../src/protocol/policy.js";
import { makeTicket } from "../../src/protocol/ticket.js";
import { createTestRealm, type TestRealm } from "../../src/testing/index.js";

const HOUR = 3_600_000;
const V = "v/localhost";
const TGS = "krbtgt/TEST.EXAMPLE";

const startRealm = () => createTestRealm({ users: { alice: "one" } });

/** A service ticket for what a client holds, from a new client: nothing is cached. */
async function ticketWith(realm: TestRealm, tgt: Credentials): Promise<Credentials> {
  const cache = memoryCache();
  await cache.store({ client: tgt.client, kdcOffset: 0, credentials: [tgt] });
  return realm.client({ cache }).serviceTicket(realm.principal(V));
}

/** A golden ticket: a TGT made now under a TGS key of before, for whomever, and never asked of the KDC. */
async function goldenTicket(realm: TestRealm, stolen: LongTermKey): Promise<Credentials> {
  const { credentials } = await realm.forge.ticket("alice", TGS, {
    flags: [TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT],
    endtime: realm.now + HOUR,
  });
  const contents = {
    client: credentials.client,
    server: credentials.server,
    sessionKey: credentials.key,
    flags: credentials.flags,
    authtime: realm.now,
    starttime: realm.now,
    endtime: realm.now + HOUR,
    renewTill: undefined,
    addresses: [],
    authorizationData: [],
  };
  return { ...credentials, ticket: makeTicket(contents, stolen) };
}

test("a stolen key of the TGS forges tickets until the longest ticket under it has ended", async () => {
  await using realm = await startRealm();
  const [stolen] = (await realm.keys(TGS)).keys;
  await ticketWith(realm, await goldenTicket(realm, stolen!));
  const retention = keyRetention(realm.policy);
  await realm.change(TGS, (entry) => withRandomKeys(entry, realm.policy.keyEtypes, realm.now, retention));
  realm.advance(retention - 1);
  await ticketWith(realm, await goldenTicket(realm, stolen!));
  realm.advance(1);
  await expect(ticketWith(realm, await goldenTicket(realm, stolen!))).rejects.toMatchObject({
    reason: "KRB_AP_ERR_BADKEYVER",
  });
  realm.advance("240h");
  await expect(ticketWith(realm, await goldenTicket(realm, stolen!))).rejects.toMatchObject({
    reason: "KRB_AP_ERR_BADKEYVER",
  });
});

test("a login from before a rotation of the TGS's keys goes on", async () => {
  await using realm = await startRealm();
  const alice = await realm.login("alice");
  await realm.change(TGS, (entry) =>
    withRandomKeys(entry, realm.policy.keyEtypes, realm.now, keyRetention(realm.policy)),
  );
  realm.advance("9h");
  await alice.serviceTicket(realm.principal(V));
});

test("a new password ends earlier logins; the same one under other encryption types does not", async () => {
  await using realm = await startRealm();
  const alice = await realm.login("alice");
  realm.advance(1);
  const rekeyed = async (password: string, etypes: readonly number[]) => {
    const entry = await withPassword(await realm.entry("alice"), password, etypes, realm.now);
    await realm.change("alice", () => entry);
  };
  await rekeyed("one", [19]);
  await alice.serviceTicket(realm.principal(V));
  await rekeyed("two", [19]);
  await alice.forgetTicket(await alice.serviceTicket(realm.principal(V)));
  await expect(alice.serviceTicket(realm.principal(V))).rejects.toMatchObject({
    reason: "KDC_ERR_TGT_REVOKED",
    code: 20,
    details: {
      authtime: new Date(realm.now - 1).toISOString(),
      tgts_from: new Date(realm.now).toISOString(),
    },
  });
  await (await realm.login("alice", "two")).serviceTicket(realm.principal(V));
});

test("a login of a deleted principal is no login of one made later under the same name", async () => {
  await using realm = await startRealm();
  const alice = await realm.login("alice");
  await realm.remove("alice");
  realm.advance(1);
  await realm.addUser("alice", "one");
  await expect(alice.serviceTicket(realm.principal(V))).rejects.toMatchObject({
    reason: "KDC_ERR_TGT_REVOKED",
  });
  await expect(alice.renew()).rejects.toMatchObject({ reason: "KDC_ERR_TGT_REVOKED" });
});
