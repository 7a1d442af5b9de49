/** The example, run: a realm, the server and two clients. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Channel, createChannel, type Server, Status } from "nice-grpc";
import { createTestRealm, type TestRealm } from "tessera-sso/testing";
import { makeClient, openChannel } from "./client.js";
import type { Note, NoteServiceClient } from "./gen/notes.js";
import { makeServer } from "./server.js";

const SERVICE = "notes/localhost";
const ALICE = "alice@TEST.EXAMPLE";
const BOB = "bob@TEST.EXAMPLE";

let realm: TestRealm;
let server: Server;
let address: string;
const channels: Channel[] = [];
let alice: NoteServiceClient;
let bob: NoteServiceClient;

before(async () => {
  realm = await createTestRealm({ users: { alice: "apple", bob: "bread" }, services: [SERVICE] });
  const keys = await realm.keys(SERVICE);
  server = makeServer(() => keys);
  address = `localhost:${await server.listen("127.0.0.1:0")}`;
  for (const name of ["alice", "bob"]) channels.push(openChannel(address, await realm.login(name)));
  [alice, bob] = channels.map(makeClient) as [NoteServiceClient, NoteServiceClient];
});

after(async () => {
  for (const channel of channels) channel.close();
  server?.forceShutdown();
  await realm?.close();
});

const note = (text: string): Note => ({ text, owner: "" });

async function* notes(...texts: string[]): AsyncGenerator<Note> {
  yield* texts.map(note);
}

async function textsOf(call: AsyncIterable<Note>): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text, owner } of call) texts.push(`${owner}: ${text}`);
  return texts;
}

test("a note belongs to who wrote it, whatever the request says", async () => {
  assert.equal((await alice.add({ text: "lamp", owner: BOB })).owner, ALICE);
  assert.equal((await bob.add(note("rope"))).owner, BOB);
});

test("a stream of responses", async () => {
  assert.deepEqual(await textsOf(alice.list({})), [`${ALICE}: lamp`]);
});

test("a stream of requests", async () => {
  assert.equal((await alice.addAll(notes("oil", "salt", "flour"))).added, 3);
});

test("streams both ways, one answer for each question", async () => {
  let tell = () => {};
  const answered = new Promise<void>((resolve) => {
    tell = resolve;
  });
  async function* questions(): AsyncGenerator<Note> {
    yield note("one");
    await answered;
    yield note("two");
  }
  const answers: Note[] = [];
  for await (const answer of alice.follow(questions())) {
    answers.push(answer);
    tell();
  }
  assert.deepEqual(answers, [
    { text: "one", owner: ALICE },
    { text: "two", owner: ALICE },
  ]);
});

test("many calls at once each have their own caller", async () => {
  const calls = Array.from({ length: 50 }, async (_, index) => {
    const [client, owner] = index % 2 === 0 ? [alice, ALICE] : [bob, BOB];
    const found = await textsOf(client.follow(notes("a", "b")));
    assert.deepEqual(found, [`${owner}: a`, `${owner}: b`]);
  });
  await Promise.all(calls);
});

test("without a ticket nothing is served", async () => {
  const channel = createChannel(address);
  const stranger = makeClient(channel);
  await assert.rejects(stranger.add(note("anything")), { code: Status.UNAUTHENTICATED });
  await assert.rejects(textsOf(stranger.list({})), { code: Status.UNAUTHENTICATED });
  channel.close();
});
