/** The example, run: a whole realm in one line, the guarded service, and clients that log in once. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { sharedKey } from "tessera-sso/client";
import { createTestRealm, type TestRealm } from "tessera-sso/testing";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { makeOrdersClient, type Order, type OrdersClient } from "./client.js";
import { orders } from "./definition.js";
import { makeOrdersServer } from "./server.js";

const SERVICE = "orders/localhost";
const users = { alice: "apple", bob: "bread", "alice/admin": "crown" };

let realm: TestRealm;
let server: grpc.Server;
let address: string;

beforeAll(async () => {
  realm = await createTestRealm({ realm: "EXAMPLE.TEST", users, services: [SERVICE] });
  const keys = await realm.keys(SERVICE);
  server = await makeOrdersServer({ keytab: () => keys });
  address = await listen(server);
});

afterAll(async () => {
  server.forceShutdown();
  await realm.close();
});

async function listen(server: grpc.Server): Promise<string> {
  const credentials = grpc.ServerCredentials.createInsecure();
  return `localhost:${await promisify(server.bindAsync.bind(server))("127.0.0.1:0", credentials)}`;
}

async function clientOf(name: keyof typeof users): Promise<OrdersClient> {
  return makeOrdersClient(address, await realm.login(name, users[name]));
}

const place = (client: OrdersClient, item: string) => promisify(client.placeOrder.bind(client))({ item });
const cancel = (client: OrdersClient, id: number) => promisify(client.cancelOrder.bind(client))({ id });

async function list(client: OrdersClient): Promise<Order[]> {
  const found: Order[] = [];
  for await (const { order } of client.listOrders({})) found.push(order);
  return found;
}

test("an order belongs to who placed it, by the ticket and nothing else", async () => {
  const alice = await clientOf("alice");
  const bob = await clientOf("bob");
  expect((await place(alice, "lamp"))?.order.owner).toBe("alice@EXAMPLE.TEST");
  await place(bob, "rope");
  expect((await list(alice)).map(({ item }) => item)).toEqual(["lamp"]);
  expect((await list(bob)).map(({ item }) => item)).toEqual(["rope"]);
});

test("a stream of orders is placed in one call", async () => {
  const bob = await clientOf("bob");
  const placed = await new Promise<number>((resolve, reject) => {
    const call = bob.placeOrders((error, reply) => (error ? reject(error) : resolve(reply.placed)));
    for (const item of ["oil", "salt", "flour"]) call.write({ item });
    call.end();
  });
  expect(placed).toBe(3);
});

test("only an administrator cancels, and the refusal names the rule", async () => {
  const alice = await clientOf("alice");
  const { order } = (await place(alice, "kettle"))!;
  await expect(cancel(alice, order.id)).rejects.toMatchObject({
    code: grpc.status.PERMISSION_DENIED,
    details: expect.stringContaining("orders.v1.OrderService/CancelOrder"),
  });
  await expect(cancel(await clientOf("alice/admin"), order.id)).resolves.toEqual({});
});

test("without a realm, one key file on both sides does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tessera-orders-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const key = (client: string) => sharedKey(join(folder, "orders.key"), { client });
  const keyed = await makeOrdersServer({ keytab: key("orders") });
  onTestFinished(() => keyed.forceShutdown());
  const at = await listen(keyed);
  const [alice, root] = ["alice", "alice/admin"].map((name) => makeOrdersClient(at, key(name)));
  const { order } = (await place(alice!, "lamp"))!;
  expect(order.owner).toBe("alice@SHARED-KEY");
  expect((await list(alice!)).map(({ item }) => item)).toEqual(["lamp"]);
  await expect(cancel(root!, order.id)).rejects.toMatchObject({ code: grpc.status.PERMISSION_DENIED });
  for (const client of [alice!, root!]) client.close();
});

test("without a ticket nothing is served", async () => {
  const stranger = new orders.OrderService(
    address,
    grpc.credentials.createInsecure(),
  ) as unknown as OrdersClient;
  await expect(place(stranger, "anything")).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
  stranger.close();
});

test("a server that can't start says why in one line", () => {
  const serve = fileURLToPath(new URL("serve.js", import.meta.url));
  const words = [serve, "no.keytab", "--replay-cache", "/nowhere/seen"];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  expect([status, stdout, stderr]).toEqual([1, "", expect.stringMatching(/^\/nowhere\/seen: .*\n$/)]);
});

test("a client that can't read its key says why in one line", () => {
  const order = fileURLToPath(new URL("order.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [order, "--key", "/nowhere/orders.key"], {
    encoding: "utf8",
  });
  expect([status, stdout, stderr]).toEqual([1, "", expect.stringMatching(/^\/nowhere\/orders.key: .*\n$/)]);
});
