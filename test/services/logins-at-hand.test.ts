/** The AS on a real store: what a login costs whoever has logged in before, and everybody else. */
import * as grpc from "@grpc/grpc-js";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { type Key, randomKey } from "../../src/protocol/keys.js";
import type { Principal } from "../../src/protocol/principal.js";
import type { HandlerContext } from "../../src/rpc/server-runtime.js";
import { authenticationService } from "../../src/services/as.js";
import { LoginAttempts } from "../../src/store/attempts/login-attempts.js";
import type { KeyValueStore } from "../../src/store/key-value-store.js";
import { MasterKey } from "../../src/store/master-key.js";
import { openMemoryStore } from "../../src/store/memory-store.js";
import * as records from "../../src/store/principal-record.js";
import { PrincipalStore } from "../../src/store/principal-store.js";
import { keyOf, makeEntry, makeRealm, NOW, named } from "../support/entries.js";

const realm = makeRealm(20);
const [ALICE, BOB] = [realm.alice.principal, named("bob")];
const MASTER_KEY = new MasterKey(new Uint8Array(32).fill(1));

let stored: KeyValueStore;
let principals: PrincipalStore;
let service: ReturnType<typeof authenticationService>;
let attempts: LoginAttempts;
let reads: string[];

beforeEach(async () => {
  const store = openMemoryStore();
  reads = [];
  stored = {
    get: (key, known) => {
      reads.push(key);
      return store.get(key, known);
    },
    update: (key, change) => store.update(key, change),
    scan: (prefix) => store.scan(prefix),
    close: () => store.close(),
  };
  principals = new PrincipalStore(stored, MASTER_KEY);
  for (const entry of [realm.krbtgt, realm.alice, { ...makeEntry(BOB, [20]), passwordKeyed: true }])
    await principals.create(entry);
  attempts = LoginAttempts.inMemory("a secret");
  const { policy } = realm;
  service = authenticationService({ principals, attempts, policy, clock: () => NOW, log: () => {} });
});

async function logIn(name: Principal, key: Key): Promise<void> {
  const [metadata, headers, trailers] = [new grpc.Metadata(), new grpc.Metadata(), new grpc.Metadata()];
  const context = { metadata, headers, trailers, peer: "192.0.2.1:1" } as HandlerContext;
  const request = makeAsReq(name, { etypes: [20] }, key, NOW);
  openAsRep((await service.authenticate(request, context)) as never, request, key, NOW);
}

/** What a login reads and decodes, whatever becomes of it. */
async function workOf(
  name: Principal,
  key: Key,
): Promise<{ reads: number; decoded: number; reason: string }> {
  const decode = vi.spyOn(records, "decodePrincipal");
  reads.length = 0;
  try {
    const reason = await logIn(name, key).then(
      () => "OK",
      (error) => error.reason,
    );
    return { reads: reads.length, decoded: decode.mock.calls.length, reason };
  } finally {
    decode.mockRestore();
  }
}

test("who has logged in before is not decoded again, and is read", async () => {
  expect(await workOf(ALICE, keyOf(realm.alice))).toEqual({ reads: 3, decoded: 1, reason: "OK" });
  const work = await workOf(ALICE, keyOf(realm.alice));
  expect(work).toEqual({ reads: 2, decoded: 0, reason: "OK" });
});

test("where there is no room, who comes again soon is kept", async () => {
  const { policy } = realm;
  const little = new PrincipalStore(stored, MASTER_KEY, 16 * 1024);
  const clock = () => NOW;
  service = authenticationService({ principals: little, attempts, policy, clock, log: () => {} });
  await logIn(ALICE, keyOf(realm.alice));
  const bob = keyOf((await principals.get(BOB))!);
  const decoded = async () => (await workOf(BOB, bob)).decoded;
  expect([await decoded(), await decoded(), await decoded()]).toEqual([1, 1, 0]);
});

describe("a wrong proof costs the same", () => {
  const wrong = () => randomKey(keyOf(realm.alice).etype);

  test("for a name that has logged in, one that has not, and one that does not exist", async () => {
    await logIn(ALICE, keyOf(realm.alice));
    // What is kept of the realm's TGS is there by now.
    const expected = { reads: 5, decoded: 1 };
    for (const name of [ALICE, BOB, named("nobody"), BOB, named("nobody"), ALICE])
      expect(await workOf(name, wrong())).toMatchObject(expected);
  });

  test("and counts once", async () => {
    await logIn(ALICE, keyOf(realm.alice));
    for (const name of [ALICE, BOB, named("nobody")]) {
      await workOf(name, wrong());
      expect(attempts.of(name).failures).toBe(1);
    }
  });
});

test("who has logged in before and is disabled gets no ticket from then on", async () => {
  await logIn(ALICE, keyOf(realm.alice));
  await principals.change(ALICE, (entry) => ({ ...entry, disabled: true }));
  expect(await workOf(ALICE, keyOf(realm.alice))).toMatchObject({ reason: "KDC_ERR_CLIENT_REVOKED" });
  await principals.change(ALICE, (entry) => ({ ...entry, disabled: false }));
  await logIn(ALICE, keyOf(realm.alice));
});

test("whoever else writes it: a key that was changed is good at once, and the old one no more", async () => {
  await logIn(ALICE, keyOf(realm.alice));
  const next = randomKey(keyOf(realm.alice).etype);
  const elsewhere = new PrincipalStore(stored, MASTER_KEY);
  await elsewhere.change(ALICE, (entry) => ({ ...entry, keys: [{ kvno: 2, key: next }] }));
  expect(await workOf(ALICE, keyOf(realm.alice))).toMatchObject({ reason: "KDC_ERR_PREAUTH_FAILED" });
  expect(await workOf(ALICE, next)).toMatchObject({ reason: "OK" });
  expect(await workOf(ALICE, next)).toEqual({ reads: 2, decoded: 0, reason: "OK" });
});

test("who has logged in before and was deleted is unknown from then on", async () => {
  await logIn(ALICE, keyOf(realm.alice));
  await new PrincipalStore(stored, MASTER_KEY).delete(ALICE);
  expect(await workOf(ALICE, keyOf(realm.alice))).toMatchObject({ reason: "KDC_ERR_C_PRINCIPAL_UNKNOWN" });
});
