/** The lab's realm: its scenes, its clock, and servers that end and begin again. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WhoAmIRequestSchema, WhoAmIResponseSchema } from "../../../src/client/index.js";
import { TicketSchema } from "../../../src/gen/kerberos/v1/sealed_pb.js";
import { type LabRealm, startLabRealm } from "../../../src/lab/realm/lab-realm.js";
import { SCENES, type Scene } from "../../../src/lab/realm/scene.js";

const WHO_AM_I = { request: WhoAmIRequestSchema, response: WhoAmIResponseSchema };

async function loggedIn(realm: LabRealm, user: "alice" | "mallory" = "alice") {
  const client = realm.client();
  const { principal, password } = realm.users[user];
  await client.login(principal, password);
  return client;
}

const ofV = (realm: LabRealm, address = realm.address) => ({ principal: realm.service, address });

test.for(Object.keys(SCENES) as Scene[])(
  "%s: a login, a ticket, a call, all under its own etype",
  async (scene) => {
    await using realm = await startLabRealm({ scene });
    const client = await loggedIn(realm);
    expect((await client.access(ofV(realm), WHO_AM_I, {})).client).toBe(realm.users.alice.principal);
    const [first] = SCENES[scene].keyEtypes;
    const { ticket, key } = await client.serviceTicket(realm.service);
    expect(fromBinary(TicketSchema, ticket).encPart?.etype).toBe(first);
    expect(key.etype.etype).toBe(first);
    for (const { key: held } of [realm.users.alice.key, realm.keys.krbtgt, realm.keys.service])
      expect(held.etype.etype).toBe(first);
  },
);

test("the clock is turned for servers and clients alike, and stands still where a time was given", async () => {
  await using realm = await startLabRealm({ scene: "standard", now: Date.UTC(2030, 0, 1) });
  expect(realm.now).toBe(Date.UTC(2030, 0, 1));
  const client = await loggedIn(realm);
  await client.serviceTicket(realm.service);
  realm.turn(11 * 3_600_000);
  expect(realm.now).toBe(Date.UTC(2030, 0, 1, 11));
  await expect(client.access(ofV(realm), WHO_AM_I, {})).rejects.toMatchObject({
    reason: "KRB_AP_ERR_TKT_EXPIRED",
  });
  realm.turn(-11 * 3_600_000);
  expect((await client.access(ofV(realm), WHO_AM_I, {})).client).toBe(realm.users.alice.principal);
  expect(() => realm.turn(0.5)).toThrow(RangeError);
});

test("a server that is restarted answers at the same address; a second V takes the same tickets", async () => {
  await using realm = await startLabRealm({ scene: "standard" });
  const { kdc, address } = realm;
  const client = await loggedIn(realm);
  for (const part of ["as", "tgs", "v"] as const) await realm.restart(part);
  expect([realm.kdc, realm.address]).toEqual([kdc, address]);
  await loggedIn(realm, "mallory");
  expect((await client.access(ofV(realm), WHO_AM_I, {})).client).toBe(realm.users.alice.principal);
  const second = await realm.secondService();
  expect(second).not.toBe(address);
  expect((await client.access(ofV(realm, second), WHO_AM_I, {})).client).toBe(realm.users.alice.principal);
});

test.for(["textbook-ecb", "standard"] as const)(
  "%s: new keys end the tickets under the old ones",
  async (scene) => {
    await using realm = await startLabRealm({ scene });
    const client = await loggedIn(realm);
    const { ticket } = await client.serviceTicket(realm.service);
    const before = realm.keys;
    await realm.newKeys("krbtgt");
    await realm.newKeys("service");
    expect(realm.keys.krbtgt.kvno).toBe(before.krbtgt.kvno + 1);
    expect(realm.keys.service.key.equals(before.service.key)).toBe(false);
    expect(fromBinary(TicketSchema, ticket).encPart?.kvno).toBe(before.service.kvno);
    await expect(client.access(ofV(realm), WHO_AM_I, {})).rejects.toMatchObject({
      reason: "KRB_AP_ERR_BADKEYVER",
    });
    const again = await loggedIn(realm);
    expect((await again.access(ofV(realm), WHO_AM_I, {})).client).toBe(realm.users.alice.principal);
  },
);

test("its users have the passwords that were asked for, and others can be added", async () => {
  await using realm = await startLabRealm({ scene: "textbook", passwords: { alice: "sesame" } });
  expect(realm.users.alice.password).toBe("sesame");
  const { principal, password } = await realm.addUser("eve");
  expect(principal).toBe(`eve@${realm.realm}`);
  await realm.client().login(principal, password);
});

test("its folder is gone when it is closed, its servers too", async () => {
  const realm = await startLabRealm({ scene: "standard" });
  const { dir } = realm.database.directory!;
  expect(existsSync(dir)).toBe(true);
  const addresses = [realm.kdc.as, realm.kdc.tgs, realm.address];
  await realm.close();
  expect(existsSync(dirname(dir))).toBe(false);
  for (const address of addresses) {
    const [host, port] = address.split(":");
    const socket = connect({ host: host!, port: Number(port) });
    const [error] = await once(socket, "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  }
});
