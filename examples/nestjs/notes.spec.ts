/**
 * The example, run: a realm, the application and two clients, over a Unix socket: Nest tells no free port.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { status } from "@grpc/grpc-js";
import type { INestMicroservice } from "@nestjs/common";
import type { ClientGrpcProxy } from "@nestjs/microservices";
import { firstValueFrom, from, lastValueFrom, type Observable, ReplaySubject, tap, toArray } from "rxjs";
import { createTestRealm, type TestRealm } from "tessera-sso/testing";
import { makeClient } from "./client.js";
import type { Note, NoteService } from "./notes.js";
import { makeServer } from "./server.js";

const SERVICE = "notes/localhost";
const ALICE = "alice@TEST.EXAMPLE";
const BOB = "bob@TEST.EXAMPLE";

let realm: TestRealm;
let folder: string;
let server: INestMicroservice;
const clients: ClientGrpcProxy[] = [];
let alice: NoteService;
let bob: NoteService;
let stranger: NoteService;

before(async () => {
  realm = await createTestRealm({ users: { alice: "apple", bob: "bread" }, services: [SERVICE] });
  const keys = await realm.keys(SERVICE);
  folder = await mkdtemp(join(tmpdir(), "tessera-nestjs-"));
  const url = `unix:${join(folder, "notes.sock")}`;
  server = await makeServer(url, () => keys);
  await server.listen();
  for (const login of [await realm.login("alice"), await realm.login("bob"), undefined])
    clients.push(makeClient(url, login));
  [alice, bob, stranger] = clients.map((client) => client.getService<NoteService>("NoteService")) as [
    NoteService,
    NoteService,
    NoteService,
  ];
});

after(async () => {
  for (const client of clients) client.close();
  await server?.close();
  await realm?.close();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

const all = (notes: Observable<Note>) => lastValueFrom(notes.pipe(toArray()));
const notes = (...texts: string[]) => from(texts.map((text) => ({ text })));

test("a note belongs to who wrote it, whatever the request says", async () => {
  assert.equal((await firstValueFrom(alice.add({ text: "lamp", owner: BOB }))).owner, ALICE);
  assert.equal((await firstValueFrom(bob.add({ text: "rope" }))).owner, BOB);
});

test("a stream of responses", async () => {
  assert.deepEqual(await all(alice.list({})), [{ text: "lamp", owner: ALICE }]);
});

test("a stream of requests", async () => {
  assert.equal((await firstValueFrom(alice.addAll(notes("oil", "salt", "flour")))).added, 3);
});

test("streams both ways, one answer for each question", async () => {
  const questions = new ReplaySubject<Note>();
  questions.next({ text: "one" });
  const answers = alice.follow(questions).pipe(
    tap(({ text }) => {
      if (text === "one") questions.next({ text: "two" });
      else questions.complete();
    }),
  );
  assert.deepEqual(await all(answers), [
    { text: "one", owner: ALICE },
    { text: "two", owner: ALICE },
  ]);
});

test("many calls at once each have their own caller", async () => {
  const calls = Array.from({ length: 50 }, async (_, index) => {
    const [client, owner] = index % 2 === 0 ? ([alice, ALICE] as const) : ([bob, BOB] as const);
    const found = await all(client.follow(notes("a", "b")));
    assert.deepEqual(found, [
      { text: "a", owner },
      { text: "b", owner },
    ]);
  });
  await Promise.all(calls);
});

test("without a ticket nothing is served", async () => {
  await assert.rejects(firstValueFrom(stranger.add({ text: "anything" })), {
    code: status.UNAUTHENTICATED,
  });
  await assert.rejects(all(stranger.list({})), { code: status.UNAUTHENTICATED });
});
