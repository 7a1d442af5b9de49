/**
 * KDCs on one database: what a login reads of it, how old what they go by may be, and what becomes of logins
 * while it is away. The network and the clock are the test's, the PostgreSQL is real.
 */
import { randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { AuthenticateResponse } from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import type { GrantTicketResponse } from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeAsReq, openAsRep } from "../../src/protocol/as-exchange.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { type Key, randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import type { PrincipalEntry } from "../../src/protocol/principal-entry.js";
import { makeTgsReq } from "../../src/protocol/tgs-exchange.js";
import type { HandlerContext } from "../../src/rpc/server-runtime.js";
import { toStatus } from "../../src/rpc/status.js";
import { authenticationService } from "../../src/services/as.js";
import { ticketGrantingService } from "../../src/services/tgs.js";
import { LoginAttempts } from "../../src/store/attempts/login-attempts.js";
import type { KeyValueStore } from "../../src/store/key-value-store.js";
import { MasterKey } from "../../src/store/master-key.js";
import { createStore } from "../../src/store/open-store.js";
import { openPostgresStore } from "../../src/store/postgres/store.js";
import { PrincipalStore } from "../../src/store/principal-store.js";
import { keyOf, makeKeys, makeRealm, NOW, named, REALM } from "../support/entries.js";
import { PostgresProxy } from "../support/postgres-proxy.js";
import { HAS_POSTGRES, PostgresServer } from "../support/postgres-server.js";

/**
 * A KDC in this process: its AS and TGS, called without sockets, over its own connections to the database.
 */
class Kdc {
  /** How many times the database was asked for a record. */
  reads = 0;
  readonly principals: PrincipalStore;
  readonly attempts = LoginAttempts.inMemory("a secret");
  readonly #as;
  readonly #tgs;

  constructor(store: KeyValueStore, masterKey: MasterKey) {
    const counted: KeyValueStore = {
      get: (key) => {
        this.reads++;
        return store.get(key);
      },
      update: (key, change) => store.update(key, change),
      scan: (prefix) => store.scan(prefix),
      changes: (onChange) => store.changes!(onChange),
      close: () => store.close(),
    };
    this.principals = new PrincipalStore(counted, masterKey);
    const { policy } = makeRealm(20);
    const config = { principals: this.principals, policy, clock: () => NOW, log: () => {} };
    this.#as = authenticationService({ ...config, attempts: this.attempts });
    this.#tgs = ticketGrantingService(config);
  }

  /** Logs in; a refusal is thrown. */
  async login(name: string, key: Key): Promise<Credentials> {
    const request = makeAsReq(named(name), { etypes: [20] }, key, NOW);
    const response = (await this.#as.authenticate(request, context())) as AuthenticateResponse;
    return openAsRep(response, request, key, NOW).credentials;
  }

  /** What a login comes to: OK, or the reason of the refusal. */
  outcome(name: string, key: Key): Promise<string> {
    return outcome(this.login(name, key));
  }

  /** What asking for a ticket comes to. */
  ticket(tgt: Credentials, service: string): Promise<string> {
    const { request } = makeTgsReq(tgt, named(service), { etypes: [20] }, NOW);
    return outcome(this.#tgs.grantTicket(request, context()) as Promise<GrantTicketResponse>);
  }

  /** What somebody without a proof is told. */
  unproven(name: string): Promise<string> {
    return outcome(
      Promise.resolve(
        this.#as.authenticate(makeAsReq(named(name), { etypes: [20] }, undefined, NOW), context()),
      ),
    );
  }
}

function context(): HandlerContext {
  const [metadata, headers, trailers] = [new grpc.Metadata(), new grpc.Metadata(), new grpc.Metadata()];
  return { metadata, headers, trailers, peer: "192.0.2.1:1" } as HandlerContext;
}

async function outcome(exchange: Promise<unknown>): Promise<string> {
  try {
    await exchange;
    return "OK";
  } catch (error) {
    if (error instanceof KrbError) return error.reason;
    throw error;
  }
}

describe.skipIf(!HAS_POSTGRES)("KDCs on one PostgreSQL", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose](), 60_000);

  /** A realm in a database of its own, and two KDCs: `near` behind the proxy, by a clock to turn. */
  async function realm(query = "") {
    server.clear();
    const masterKey = new MasterKey(randomBytes(32));
    const proxy = await PostgresProxy.start(server.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const clock = { ms: 0 };
    const uptime = () => performance.now() + clock.ms;
    const name = (port: number) => `${server.database(port)}?realm=${REALM}${query}`;
    const far = new Kdc(await createStore(name(server.port)), masterKey);
    const near = new Kdc(await openPostgresStore(name(proxy.port), { uptime }), masterKey);
    for (const { principals } of [near, far]) {
      onTestFinished(() => principals.close());
      principals.follow();
    }
    const entries = makeRealm(20);
    for (const entry of [entries.alice, entries.krbtgt, entries.service]) await far.principals.create(entry);
    // Until the first beat is back, what was read before the listening began is read once more; and so is
    // what has changed, until all of that has been told: for a while nothing may be read.
    const settle = async () => {
      let quiet = 0;
      await until(async () => {
        const reads = await readsOf(near, async () => {
          const tgt = await near.login("alice", keyOf(entries.alice));
          expect(await near.ticket(tgt, "notes/localhost")).toBe("OK");
        });
        quiet = reads === 0 ? quiet + 1 : 0;
        return quiet === 20;
      });
    };
    const change = (name: string, changes: Partial<PrincipalEntry>) =>
      far.principals.change(named(name), (entry) => ({ ...entry, ...changes }));
    return { near, far, proxy, clock, ...entries, settle, change };
  }

  test("a login and its ticket read nothing of the database once it is known", async () => {
    const { near, alice } = await realm("&staleness=1s");
    const tgt = await near.login("alice", keyOf(alice));
    expect(near.reads).toBeGreaterThan(0);
    expect(await near.ticket(tgt, "notes/localhost")).toBe("OK");
    // For twice the bound: by then every entry is older than that, and is known to be good by the beats
    // alone.
    let logins = 0;
    await until(async () => {
      near.reads = logins = 0;
      for (const end = performance.now() + 2_000; performance.now() < end; logins++) {
        const credentials = await near.login("alice", keyOf(alice));
        expect(await near.ticket(credentials, "notes/localhost")).toBe("OK");
        // As calls that come over sockets do, it lets others have their turn.
        await nextTurn();
      }
      return near.reads === 0;
    });
    expect(logins).toBeGreaterThan(10);
  });

  test("a wrong proof costs the same reads whether the name is kept, known or unknown, and counts once", async () => {
    const { near, alice, settle, far } = await realm("&staleness=1m");
    await far.principals.create({ ...alice, principal: named("bob"), keys: makeKeys([20]) });
    await settle();
    const wrong = randomKey(keyOf(alice).etype);
    const reads: number[] = [];
    for (const name of ["alice", "bob", "nobody", "alice", "bob", "nobody"])
      reads.push(
        await readsOf(near, async () =>
          expect(await near.outcome(name, wrong)).toMatch(/PREAUTH_FAILED|C_PRINCIPAL_UNKNOWN/),
        ),
      );
    expect(new Set(reads)).toEqual(new Set([3]));
    for (const name of ["alice", "bob", "nobody"])
      expect(near.attempts.of(named(name)).failures, name).toBe(2);
    const unproven = new Set<number>();
    for (const name of ["alice", "nobody"])
      unproven.add(
        await readsOf(near, async () => expect(await near.unproven(name)).toBe("KDC_ERR_PREAUTH_REQUIRED")),
      );
    expect(unproven.size).toBe(1);
  });

  test("whoever must wait costs the same whether the guess is right or not", async () => {
    const { near, far, alice, settle } = await realm();
    // Kept, and without a login from anywhere that would let a right proof in.
    const bob = { ...alice, principal: named("bob"), keys: makeKeys([20]) };
    await far.principals.create(bob);
    await settle();
    const wrong = randomKey(keyOf(alice).etype);
    for (let i = 0; i < 10; i++) expect(await near.outcome("bob", wrong)).toBe("KDC_ERR_PREAUTH_FAILED");
    const braked = (key: Key) =>
      readsOf(near, () =>
        expect(near.login("bob", key)).rejects.toMatchObject({ codeName: "RESOURCE_EXHAUSTED" }),
      );
    expect(await braked(wrong)).toBe(3);
    expect(await braked(keyOf(bob))).toBe(3);
  });

  test("a new password is good at once, at every KDC, with the notification lost", async () => {
    const { near, alice, settle, proxy, change } = await realm();
    await settle();
    proxy.deafen(true);
    const keys = makeKeys([20], 2);
    await change("alice", { keys });
    expect(await near.outcome("alice", keys[0]!.key)).toBe("OK");
    expect(await near.outcome("alice", keyOf(alice))).toBe("KDC_ERR_PREAUTH_FAILED");
  });

  test("a new key of the TGS is known at once where a ticket under it comes", async () => {
    const { near, far, alice, krbtgt, settle, proxy, change } = await realm();
    await settle();
    proxy.deafen(true);
    await change(krbtgt.principal, { keys: [...makeKeys([20], 2), ...krbtgt.keys] });
    const tgt = await far.login("alice", keyOf(alice));
    expect(await near.ticket(tgt, "notes/localhost")).toBe("OK");
  });

  test("a disabled principal gets no ticket once it is told", async () => {
    const { near, alice, settle, change } = await realm();
    const tgt = await near.login("alice", keyOf(alice));
    await settle();
    await change("alice", { disabled: true });
    await until(async () => (await near.outcome("alice", keyOf(alice))) === "KDC_ERR_CLIENT_REVOKED");
    expect(await near.ticket(tgt, "notes/localhost")).toBe("KDC_ERR_CLIENT_REVOKED");
  });

  test("a disabled principal gets no ticket beyond the bound, with the notification lost", async () => {
    const { near, alice, settle, proxy, clock, change } = await realm("&staleness=10s");
    const tgt = await near.login("alice", keyOf(alice));
    expect(await near.ticket(tgt, "notes/localhost")).toBe("OK");
    await settle();
    proxy.deafen(true);
    await change("alice", { disabled: true });
    // Within the bound nobody can know.
    expect(await near.outcome("alice", keyOf(alice))).toBe("OK");
    expect(await near.ticket(tgt, "notes/localhost")).toBe("OK");
    clock.ms += 10_000;
    expect(await near.outcome("alice", keyOf(alice))).toBe("KDC_ERR_CLIENT_REVOKED");
    expect(await near.ticket(tgt, "notes/localhost")).toBe("KDC_ERR_CLIENT_REVOKED");
  });

  test("a change that was lost while nobody listened is not taken for known afterwards", async () => {
    const { near, alice, settle, proxy, clock, change } = await realm("&staleness=1s");
    await settle();
    proxy.deafen(true);
    await change("alice", { disabled: true });
    clock.ms += 1_000;
    const wrong = keyOf(alice);
    // Read anew while it can't be told, and enabled again without a word.
    expect(await near.outcome("alice", wrong)).toBe("KDC_ERR_CLIENT_REVOKED");
    await change("alice", { disabled: false });
    await until(async () => (await near.outcome("alice", wrong)) === "OK");
    await change("alice", { disabled: true });
    proxy.cut(true);
    proxy.deafen(false);
    proxy.cut(false);
    await until(async () => (await near.outcome("alice", wrong)) === "KDC_ERR_CLIENT_REVOKED");
    expect(await near.outcome("alice", wrong)).toBe("KDC_ERR_CLIENT_REVOKED");
  });

  test("a database that is away: who is at hand logs in for the stated time, then nobody does", async () => {
    const { near, alice, settle, proxy, clock } = await realm("&staleness=1s&away=1m");
    const tgt = await near.login("alice", keyOf(alice));
    expect(await near.ticket(tgt, "notes/localhost")).toBe("OK");
    await settle();
    proxy.cut(true);
    clock.ms += 30_000;
    expect(await near.outcome("alice", keyOf(alice))).toBe("OK");
    expect(await near.ticket(tgt, "notes/localhost")).toBe("OK");
    // No refusal stands on what is kept, and nobody learns which names are.
    for (const name of ["alice", "nobody"])
      expect(await near.outcome(name, randomKey(keyOf(alice).etype))).toBe("KDC_ERR_SVC_UNAVAILABLE");
    const write = near.principals.change(named("alice"), (entry) => entry);
    await expect(write).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
    clock.ms += 31_000;
    const refused = await near.login("alice", keyOf(alice)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ reason: "KDC_ERR_SVC_UNAVAILABLE" });
    expect(toStatus(refused).code).toBe(grpc.status.UNAVAILABLE);
    expect(await near.ticket(tgt, "notes/localhost")).toBe("KDC_ERR_SVC_UNAVAILABLE");
    proxy.cut(false);
    await until(async () => (await near.outcome("alice", keyOf(alice))) === "OK");
  });

  test("a PostgreSQL that is killed: nobody waits for it, and everybody is served when it is back", async () => {
    const { near, alice, settle, clock } = await realm();
    for (let round = 0; round < 3; round++) {
      await settle();
      await server.kill();
      clock.ms += 2_000;
      const began = performance.now();
      expect(await near.outcome("alice", keyOf(alice))).toBe("KDC_ERR_SVC_UNAVAILABLE");
      expect(performance.now() - began).toBeLessThan(2_000);
      await server.begin();
      const back = performance.now();
      await until(async () => (await near.outcome("alice", keyOf(alice))) === "OK");
      expect(performance.now() - back).toBeLessThan(2_000);
    }
  });

  test("a PostgreSQL that hangs is not waited for", async () => {
    const { near, alice, settle, clock } = await realm();
    await settle();
    server.halt(true);
    try {
      clock.ms += 2_000;
      expect(await near.outcome("alice", keyOf(alice))).toBe("KDC_ERR_SVC_UNAVAILABLE");
    } finally {
      server.halt(false);
    }
    await until(async () => (await near.outcome("alice", keyOf(alice))) === "OK");
  });
});

async function readsOf(kdc: Kdc, exchange: () => Promise<unknown>): Promise<number> {
  const before = kdc.reads;
  await exchange();
  return kdc.reads - before;
}

/** Repeats a look until it is right: what is waited for comes over sockets. */
async function until(isRight: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await isRight())) {
    if (performance.now() > end) throw new Error("it did not become right");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
