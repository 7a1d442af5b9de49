/** The example, run: a realm, the server and two clients. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { createTestRealm } from "tessera-sso/testing";
import { makeClient } from "./client.js";
import { NoteService } from "./notes.js";
import { makeServer } from "./server.js";

const SERVICE = "notes/localhost";
const ALICE = "alice@TEST.EXAMPLE";

let realm;
let server;
let address;
let alice;
let bob;

before(async () => {
  realm = await createTestRealm({ users: { alice: "apple", bob: "bread" }, services: [SERVICE] });
  const keys = await realm.keys(SERVICE);
  server = makeServer(() => keys);
  const insecure = grpc.ServerCredentials.createInsecure();
  address = `localhost:${await promisify(server.bindAsync.bind(server))("127.0.0.1:0", insecure)}`;
  alice = makeClient(address, await realm.login("alice"));
  bob = makeClient(address, await realm.login("bob"));
});

after(async () => {
  alice?.close();
  bob?.close();
  server?.forceShutdown();
  await realm?.close();
});

const add = (client, text) => promisify(client.add.bind(client))({ text });

async function textsOf(call) {
  const texts = [];
  for await (const { text, owner } of call) texts.push(`${owner}: ${text}`);
  return texts;
}

test("a note belongs to who wrote it, whatever the request says", async () => {
  const write = promisify(alice.add.bind(alice));
  assert.equal((await write({ text: "lamp", owner: "bob@TEST.EXAMPLE" })).owner, ALICE);
  assert.equal((await add(bob, "rope")).owner, "bob@TEST.EXAMPLE");
});

test("a stream of responses", async () => {
  assert.deepEqual(await textsOf(alice.list({})), [`${ALICE}: lamp`]);
});

test("a stream of requests", async () => {
  const { added } = await new Promise((resolve, reject) => {
    const call = alice.addAll((error, reply) => (error ? reject(error) : resolve(reply)));
    for (const text of ["oil", "salt", "flour"]) call.write({ text });
    call.end();
  });
  assert.equal(added, 3);
});

test("streams both ways, one answer for each question", async () => {
  const call = alice.follow();
  const answers = call[Symbol.asyncIterator]();
  for (const text of ["one", "two"]) {
    call.write({ text });
    assert.deepEqual((await answers.next()).value, { text, owner: ALICE });
  }
  call.end();
  assert.equal((await answers.next()).done, true);
});

test("without a ticket nothing is served", async () => {
  const stranger = new NoteService(address, grpc.credentials.createInsecure());
  await assert.rejects(add(stranger, "anything"), { code: grpc.status.UNAUTHENTICATED });
  await assert.rejects(textsOf(stranger.list({})), { code: grpc.status.UNAUTHENTICATED });
  stranger.close();
});
