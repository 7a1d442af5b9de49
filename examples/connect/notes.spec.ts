/** The example, run: a realm, the server and clients. */
import assert from "node:assert/strict";
import type { Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { type Client, Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { TicketTransport } from "tessera-sso/connect";
import { createTestRealm, type TestRealm } from "tessera-sso/testing";
import { makeClient, openTransport } from "./client.js";
import { NoteService } from "./gen/notes_pb.js";
import { makeServer } from "./server.js";

const SERVICE = "notes/localhost";
const ALICE = "alice@TEST.EXAMPLE";
const BOB = "bob@TEST.EXAMPLE";

let realm: TestRealm;
let server: Http2Server;
let baseUrl: string;
const transports: TicketTransport[] = [];
let alice: Client<typeof NoteService>;
let bob: Client<typeof NoteService>;

before(async () => {
  realm = await createTestRealm({ users: { alice: "apple", bob: "bread" }, services: [SERVICE] });
  const keys = await realm.keys(SERVICE);
  server = makeServer(() => keys);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`;
  for (const name of ["alice", "bob"]) transports.push(openTransport(baseUrl, await realm.login(name)));
  [alice, bob] = transports.map(makeClient) as [typeof alice, typeof bob];
});

after(async () => {
  for (const transport of transports) transport.close();
  server?.close();
  await realm?.close();
});

interface Said {
  readonly text: string;
  readonly owner: string;
}

async function* notes(...texts: string[]) {
  for (const text of texts) yield { text };
}

async function saidIn(call: AsyncIterable<Said>): Promise<Said[]> {
  const said: Said[] = [];
  for await (const { text, owner } of call) said.push({ text, owner });
  return said;
}

test("a note belongs to who wrote it, whatever the request says", async () => {
  assert.equal((await alice.add({ text: "lamp", owner: BOB })).owner, ALICE);
  assert.equal((await bob.add({ text: "rope" })).owner, BOB);
});

test("a stream of responses", async () => {
  assert.deepEqual(await saidIn(alice.list({})), [{ text: "lamp", owner: ALICE }]);
});

test("a stream of requests", async () => {
  assert.equal((await alice.addAll(notes("oil", "salt", "flour"))).added, 3);
});

test("streams both ways, one answer for each question", async () => {
  let tell = () => {};
  const answered = new Promise<void>((resolve) => {
    tell = resolve;
  });
  async function* questions() {
    yield { text: "one" };
    await answered;
    yield { text: "two" };
  }
  const answers: Said[] = [];
  for await (const { text, owner } of alice.follow(questions())) {
    answers.push({ text, owner });
    tell();
  }
  assert.deepEqual(answers, [
    { text: "one", owner: ALICE },
    { text: "two", owner: ALICE },
  ]);
});

test("many calls at once each have their own caller", async () => {
  const calls = Array.from({ length: 50 }, async (_, index) => {
    const [client, owner] = index % 2 === 0 ? ([alice, ALICE] as const) : ([bob, BOB] as const);
    const found = await saidIn(client.follow(notes("a", "b")));
    assert.deepEqual(found, [
      { text: "a", owner },
      { text: "b", owner },
    ]);
  });
  await Promise.all(calls);
});

test("without a ticket nothing is served, over gRPC or Connect's own protocol", async () => {
  const sessionManager = new Http2SessionManager(baseUrl);
  const overGrpc = createClient(NoteService, createGrpcTransport({ baseUrl, sessionManager }));
  await assert.rejects(overGrpc.add({ text: "anything" }), { code: Code.Unauthenticated });
  await assert.rejects(saidIn(overGrpc.list({})), { code: Code.Unauthenticated });
  const connect = createConnectTransport({ baseUrl, httpVersion: "2", sessionManager });
  await assert.rejects(createClient(NoteService, connect).add({ text: "anything" }), ConnectError);
  sessionManager.abort();
});
