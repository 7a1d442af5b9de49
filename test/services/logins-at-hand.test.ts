/** The AS on a real store: what a login costs whoever has logged in before, and everybody else. */
import * as grpc from "@grpc/grpc-js";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import * as exchange from "../../src/protocol/as-exchange.js";
import { makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import { type Decoy, makeDecoy } from "../../src/protocol/decoy.js";
import { type Key, randomKey } from "../../src/protocol/keys.js";
import type { Principal } from "../../src/protocol/principal.js";
import type { HandlerContext } from "../../src/rpc/server-runtime.js";
import { authenticationService } from "../../src/services/as.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
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

async function send(request: AuthenticateRequest): Promise<AuthenticateResponse> {
  const [metadata, headers, trailers] = [new grpc.Metadata(), new grpc.Metadata(), new grpc.Metadata()];
  const context = { metadata, headers, trailers, peer: "192.0.2.1:1" } as HandlerContext;
  return (await service.authenticate(request, context)) as AuthenticateResponse;
}

async function logIn(name: Principal, key: Key): Promise<void> {
  const request = makeAsReq(name, { etypes: [20] }, key, NOW);
  openAsRep(await send(request), request, key, NOW);
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

test("the attempt that has a name or an address wait costs the same for every name, as all others do", async () => {
  await logIn(ALICE, keyOf(realm.alice));
  const issued = vi.spyOn(exchange, "issueTgt");
  onTestFinished(() => issued.mockRestore());
  const looksOf = async (name: Principal) => {
    const looks: number[] = [];
    for (let i = 0; i < 14; i++) {
      issued.mockClear();
      await workOf(name, randomKey(keyOf(realm.alice).etype));
      looks.push(issued.mock.calls.length);
    }
    return looks;
  };
  const looks = await looksOf(ALICE);
  expect(looks.at(0)).toBe(2);
  expect(looks.at(-1)).toBe(1);
  expect(await looksOf(BOB)).toEqual(looks);
  expect(await looksOf(named("nobody"))).toEqual(looks);
});

test("a request that comes again after its client was deleted has nothing kept", async () => {
  const request = makeAsReq(ALICE, { etypes: [20] }, keyOf(realm.alice), NOW);
  await send(request);
  await principals.delete(ALICE);
  await send(request);
  expect(principals.clients.isKept(ALICE)).toBe(false);
  expect(await principals.get(ALICE)).toBeUndefined();
});

test("an unknown client by the decoy's name is unknown", async () => {
  expect(await workOf(named("decoy"), keyOf(realm.alice))).toMatchObject({
    reason: "KDC_ERR_C_PRINCIPAL_UNKNOWN",
  });
});

test("what is looked at after a refusal has no effect, though it may be a success by then", async () => {
  await logIn(ALICE, keyOf(realm.alice));
  const log: LogRecord[] = [];
  const late = {
    get: (name: Principal) => principals.get(name),
    getAnew: (name: Principal) => principals.getAnew(name),
    isFollowing: false,
    clients: {
      isKept: () => false,
      atHand: (name: Principal, decoy: Decoy) => principals.clients.atHand(name, decoy),
      getOrDecoy: (_: Principal, decoy: Decoy) => principals.clients.getOrDecoy(named("nobody"), decoy),
      lastKnown: async () => undefined,
    },
  };
  const { policy } = realm;
  const clock = () => NOW;
  const write = (record: LogRecord) => void log.push(record);
  service = authenticationService({ principals: late, attempts, policy, clock, log: write });
  const request = makeAsReq(ALICE, { etypes: [20] }, keyOf(realm.alice), NOW);
  for (const _ of [1, 2])
    await expect(send(request)).rejects.toMatchObject({ reason: "KDC_ERR_C_PRINCIPAL_UNKNOWN" });
  expect(attempts.of(ALICE).failures).toBe(1);
  expect(log.map(({ result, tgt }) => [result, tgt])).toEqual([
    ["KDC_ERR_C_PRINCIPAL_UNKNOWN", undefined],
    ["KDC_ERR_C_PRINCIPAL_UNKNOWN", undefined],
  ]);
});

test("a login while the store is away makes what is kept no younger", async () => {
  let now = 0;
  const changes = () => ({ now: () => now, mayUse: (readAt: number) => now - readAt <= 60 });
  const following = new PrincipalStore({ ...stored, changes }, MASTER_KEY);
  following.follow();
  const decoy = makeDecoy(realm.policy);
  await following.clients.getOrDecoy(ALICE, decoy);
  now = 59;
  (await following.clients.lastKnown(ALICE, decoy))!.hasLoggedIn();
  expect(await following.clients.atHand(ALICE, decoy)).toMatchObject({ exists: true });
  now = 61;
  expect(await following.clients.atHand(ALICE, decoy)).toMatchObject({ exists: false });
});
