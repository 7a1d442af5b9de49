/** KDCs found in DNS, asked of a real name server on loopback. */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { kdcsByDns } from "../../../src/client/kdc/dns-lookup.js";
import { startDnsServer } from "../../support/dns-server.js";
import { PASSWORDS, startRealm } from "../../support/realm.js";

const AS = "_tessera-as._tcp.example.test";
const record = (name: string, port: number, priority = 0, weight = 0) => ({ name, port, priority, weight });

/** A name server, what asks it, and a clock to turn. */
async function scene() {
  const server = await startDnsServer();
  onTestFinished(() => server[Symbol.asyncDispose]());
  const clock = { now: 0 };
  const lookup = kdcsByDns({ resolver: server.resolver(), clock: () => clock.now, random: () => 0.5 });
  return { server, clock, lookup };
}

test("the servers of a realm come in the order of their priorities", async () => {
  const { server, lookup } = await scene();
  server.records.set(AS, [record("kdc2.example.test", 88, 10), record("kdc1.example.test", 8801, 0)]);
  server.records.set("_tessera-tgs._tcp.example.test", [record("tgs.example.test", 99)]);
  expect(await lookup("EXAMPLE.TEST", "as")).toEqual(["kdc1.example.test:8801", "kdc2.example.test:88"]);
  expect(await lookup("EXAMPLE.TEST", "tgs")).toEqual(["tgs.example.test:99"]);
  expect(server.asked).toEqual([AS, "_tessera-tgs._tcp.example.test"]);
});

test("a client logs in and gets a ticket at servers that DNS names, past one that is away", async () => {
  await using realm = await startRealm({ profile: "standard" });
  const { server } = await scene();
  const [as, tgs] = [realm.kdc.as, realm.kdc.tgs].map((address) => Number(address.split(":")[1]));
  server.records.set("_tessera-as._tcp.test.example", [
    record("localhost", 1, 0),
    record("localhost", as!, 1),
  ]);
  server.records.set("_tessera-tgs._tcp.test.example", [record("localhost", tgs!)]);
  const client = realm.client({ kdc: kdcsByDns({ resolver: server.resolver() }) });
  await client.login(realm.principal("alice"), PASSWORDS.alice);
  expect((await client.serviceTicket(realm.v.principal)).server).toBe(realm.v.principal);
});

describe("an answer", () => {
  test("is used for a minute, and then asked for again", async () => {
    const { server, clock, lookup } = await scene();
    server.records.set(AS, [record("one.test", 1)]);
    await lookup("EXAMPLE.TEST", "as");
    server.records.set(AS, [record("two.test", 1)]);
    clock.now = 59_999;
    expect(await lookup("example.test", "as")).toEqual(["one.test:1"]);
    clock.now = 60_000;
    expect(await lookup("EXAMPLE.TEST", "as")).toEqual(["two.test:1"]);
    expect(server.asked).toHaveLength(2);
  });

  test("is used on while there is no other", async () => {
    const { server, clock, lookup } = await scene();
    server.records.set(AS, [record("one.test", 1)]);
    await lookup("EXAMPLE.TEST", "as");
    server.records.clear();
    clock.now = 600_000;
    expect(await lookup("EXAMPLE.TEST", "as")).toEqual(["one.test:1"]);
  });

  test("of many servers is cut off, and names each once", async () => {
    const { server, lookup } = await scene();
    const many = Array.from({ length: 20 }, (_, i) => record(`kdc${i % 19}.test`, 1, i));
    server.records.set(AS, many.slice(0, 8).concat(many.slice(0, 8), many.slice(8, 12)));
    const addresses = await lookup("EXAMPLE.TEST", "as");
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(addresses.length).toBeLessThanOrEqual(16);
  });
});

describe("where DNS names no KDC", () => {
  const unavailable = (message: unknown) => ({
    name: "RpcError",
    code: grpc.status.UNAVAILABLE,
    message,
    hint: "give the realm's domain these records, or name its KDCs: --kdc, TESSERA_KDC",
  });

  test("because the name does not exist", async () => {
    const { lookup } = await scene();
    await expect(lookup("EXAMPLE.TEST", "as")).rejects.toMatchObject(
      unavailable(`DNS has no SRV records ${AS}`),
    );
  });

  test("because the service is said not to be there", async () => {
    const { server, lookup } = await scene();
    server.records.set(AS, [record(".", 0)]);
    await expect(lookup("EXAMPLE.TEST", "as")).rejects.toMatchObject(
      unavailable(`DNS says that there is no ${AS}`),
    );
  });

  test("because it does not answer", async () => {
    const { server } = await scene();
    server.isSilent = true;
    const lookup = kdcsByDns({ resolver: server.resolver(50) });
    await expect(lookup("EXAMPLE.TEST", "as")).rejects.toMatchObject(
      unavailable(`DNS does not tell where ${AS} is (ETIMEOUT)`),
    );
  });

  test("in the time that a login has", async () => {
    await using realm = await startRealm({ profile: "standard" });
    const client = realm.client({ kdc: () => new Promise<never>(() => {}), timeoutMs: 50 });
    await expect(client.login(realm.principal("alice"), PASSWORDS.alice)).rejects.toMatchObject({
      code: grpc.status.DEADLINE_EXCEEDED,
      message: "the KDC was not found in time",
    });
  });
});
