/** An AS under guessing: who is refused, with what, and who is let in. */
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { makeAsReq } from "../../src/protocol/as-exchange.js";
import { type Key, randomKey } from "../../src/protocol/keys.js";
import type { KrbError } from "../../src/protocol/krb-error.js";
import type { PrincipalEntry } from "../../src/protocol/principal-entry.js";
import type { RpcError } from "../../src/rpc/rpc-error.js";
import type { HandlerContext } from "../../src/rpc/server-runtime.js";
import { toStatus } from "../../src/rpc/status.js";
import { authenticationService } from "../../src/services/as.js";
import type { LogRecord } from "../../src/services/exchange-log.js";
import { LoginAttempts } from "../../src/store/attempts/login-attempts.js";
import { StoreError } from "../../src/store/store-error.js";
import { HOUR, keyOf, MINUTE, makeEntry, makeRealm, NOW, named, principalsBy } from "../support/entries.js";

const HOME = "192.0.2.1:40000";
const AWAY = "198.51.100.1:40000";

/** An AS that is called without sockets, from whatever address. */
class TestAs {
  now = NOW;
  readonly log: LogRecord[] = [];
  readonly attempts = LoginAttempts.inMemory("a secret");
  readonly realm = makeRealm(20);
  readonly entries = new Map<string, PrincipalEntry>();
  readonly #service = authenticationService({
    principals: principalsBy(async (name) => this.entries.get(name)),
    attempts: this.attempts,
    policy: this.realm.policy,
    clock: () => this.now,
    log: (record) => void this.log.push(record),
  });

  constructor() {
    const { alice, krbtgt } = this.realm;
    for (const entry of [alice, krbtgt, makeEntry("bob", [20])]) this.entries.set(entry.principal, entry);
  }

  change(name: string, changes: Partial<PrincipalEntry>): void {
    this.entries.set(named(name), { ...this.entry(name), ...changes });
  }

  entry(name: string): PrincipalEntry {
    return this.entries.get(named(name))!;
  }

  /** What a login ends with: `OK`, or the name of the refusal. */
  async login(
    name: string,
    peer: string,
    key: Key = keyOf(this.entry(name)),
    at = this.now,
  ): Promise<string> {
    return this.send(makeAsReq(named(name), { etypes: [20] }, key, at), peer);
  }

  /** A guess at a password, and what it ends with. */
  guess(name: string, peer: string): Promise<string> {
    return this.login(name, peer, randomKey(keyOf(this.realm.krbtgt).etype));
  }

  async send(request: ReturnType<typeof makeAsReq>, peer: string): Promise<string> {
    return (await this.refusal(request, peer).then(nameOf)) ?? "OK";
  }

  async refusal(request: ReturnType<typeof makeAsReq>, peer: string): Promise<unknown> {
    const [metadata, headers, trailers] = [new grpc.Metadata(), new grpc.Metadata(), new grpc.Metadata()];
    const context = { metadata, headers, trailers, peer } as HandlerContext;
    try {
      await this.#service.authenticate(request, context);
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

function nameOf(error: unknown): string | undefined {
  return (error as KrbError | undefined)?.reason ?? (error as RpcError | undefined)?.codeName;
}

async function countOf(outcomes: Iterable<Promise<string>>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[await outcome] = (counts[await outcome] ?? 0) + 1;
  return counts;
}

function* times(count: number, attempt: (i: number) => Promise<string>): Generator<Promise<string>> {
  for (let i = 0; i < count; i++) yield attempt(i);
}

test("ten thousand tries at one name: ten are looked at, others are served, the owner is let in", async () => {
  const as = new TestAs();
  expect(await as.login("alice", HOME)).toBe("OK");
  expect(await countOf(times(10_000, () => as.guess("alice", AWAY)))).toEqual({
    KDC_ERR_PREAUTH_FAILED: 10,
    RESOURCE_EXHAUSTED: 9_990,
  });
  expect(await as.login("bob", HOME)).toBe("OK");
  expect(await as.login("bob", AWAY)).toBe("OK");
  expect(await as.login("alice", HOME)).toBe("OK");
  // Where she never logged in before, the name is not used up yet.
  expect(await as.login("alice", "203.0.113.7:1")).toBe("OK");
});

test("many at once are counted one by one", async () => {
  const as = new TestAs();
  const outcomes = await Promise.all(times(1_000, () => as.guess("alice", AWAY)));
  expect(outcomes.filter((outcome) => outcome !== "RESOURCE_EXHAUSTED")).toHaveLength(10);
});

test("many addresses at one name lock its owner out nowhere where it logged in before", async () => {
  const as = new TestAs();
  expect(await as.login("alice", HOME)).toBe("OK");
  expect(await countOf(times(1_000, (i) => as.guess("alice", `203.0.113.${i % 250}:1`)))).toEqual({
    KDC_ERR_PREAUTH_FAILED: 60,
    RESOURCE_EXHAUSTED: 940,
  });
  expect(await as.login("alice", AWAY)).toBe("RESOURCE_EXHAUSTED");
  expect(as.log.at(-1)).toMatchObject({ result: "RESOURCE_EXHAUSTED", withheld: "OK", level: "warn" });
  expect(await as.login("alice", HOME)).toBe("OK");
  as.now += 10_000;
  expect(await as.login("alice", AWAY)).toBe("OK");
});

test("one password over many names is slowed, and so is one over names that do not exist", async () => {
  for (const first of ["alice", "nobody"]) {
    const as = new TestAs();
    expect(await as.guess(first, AWAY)).toMatch(/KDC_ERR_(PREAUTH_FAILED|C_PRINCIPAL_UNKNOWN)/);
    expect(await countOf(times(1_000, (i) => as.guess(`u${i}`, AWAY)))).toEqual({
      KDC_ERR_C_PRINCIPAL_UNKNOWN: 299,
      RESOURCE_EXHAUSTED: 701,
    });
    expect(await as.guess(first, AWAY)).toBe("RESOURCE_EXHAUSTED");
    as.now += 1_000;
    expect(await as.guess("other", AWAY)).toBe("KDC_ERR_C_PRINCIPAL_UNKNOWN");
    expect(await as.login("alice", HOME)).toBe("OK");
  }
});

test("an IPv6 network of one host counts as one address", async () => {
  const as = new TestAs();
  const counts = await countOf(times(50, (i) => as.guess("alice", `2001:db8:0:1::${i + 1}:4000`)));
  expect(counts).toEqual({ KDC_ERR_PREAUTH_FAILED: 10, RESOURCE_EXHAUSTED: 40 });
  expect(await as.guess("alice", "2001:db8:0:2::1:4000")).toBe("KDC_ERR_PREAUTH_FAILED");
});

test("a refusal says when to try again, in the same bytes for every name, right proof or wrong", async () => {
  const as = new TestAs();
  as.change("bob", { disabled: true });
  const seen = new Set<string>();
  for (const name of ["alice", "bob", "nobody"])
    for (let i = 0; i < 12; i++) {
      const key =
        i === 11 && name !== "nobody" ? keyOf(as.entry(name)) : randomKey(keyOf(as.realm.alice).etype);
      const error = await as.refusal(makeAsReq(named(name), { etypes: [20] }, key, NOW), AWAY);
      const { code, details, metadata } = toStatus(error);
      if (i < 10) expect(code).toBe(grpc.status.UNAUTHENTICATED);
      else seen.add(`${code} ${details} ${JSON.stringify(metadata.toJSON())}`);
    }
  expect(seen.size).toBe(1);
  const request = makeAsReq(named("alice"), { etypes: [20] }, keyOf(as.realm.alice), NOW);
  expect(await as.refusal(request, AWAY)).toMatchObject({
    name: "RpcError",
    codeName: "RESOURCE_EXHAUSTED",
    message: "too many failed logins with this name or from this address; try again in 60 s",
    retryAfterMs: 60_000,
  });
});

test("a request without a proof is no attempt", async () => {
  const as = new TestAs();
  const proofless = makeAsReq(named("alice"), { etypes: [20] }, undefined, NOW);
  expect(await countOf(times(1_000, () => as.send(proofless, AWAY)))).toEqual({
    KDC_ERR_PREAUTH_REQUIRED: 1_000,
  });
  const malformed = { ...(await request(as)), nonce: new Uint8Array(3) };
  expect(await countOf(times(1_000, () => as.send(malformed, AWAY)))).toEqual({ KRB_ERR_GENERIC: 1_000 });
  expect(await as.login("alice", AWAY)).toBe("OK");
});

async function request(as: TestAs) {
  return makeAsReq(named("alice"), { etypes: [20] }, keyOf(as.realm.alice), as.now);
}

test("the right password by a wrong clock counts as an attempt, and the log says which it was", async () => {
  const as = new TestAs();
  const late = () => as.login("alice", AWAY, undefined, as.now - HOUR);
  expect(await countOf(times(100, late))).toEqual({ KRB_AP_ERR_SKEW: 10, RESOURCE_EXHAUSTED: 90 });
  expect(as.log.at(-1)).toMatchObject({ result: "RESOURCE_EXHAUSTED", withheld: "KRB_AP_ERR_SKEW" });
  expect(as.attempts.of(named("alice")).failures).toBe(10);
});

test("a client whose clock is off, and learns it, logs in however often", async () => {
  const as = new TestAs();
  for (let i = 0; i < 100; i++) {
    expect(await as.login("alice", AWAY, undefined, as.now - HOUR)).toBe("KRB_AP_ERR_SKEW");
    expect(await as.login("alice", AWAY)).toBe("OK");
  }
  expect(as.attempts.of(named("alice"))).toMatchObject({ failures: 0, lastLogin: NOW });
});

test("the right password of a principal that is disabled or expired counts too", async () => {
  for (const [changes, reason] of [
    [{ disabled: true }, "KDC_ERR_CLIENT_REVOKED"],
    [{ expiresAt: NOW }, "KDC_ERR_NAME_EXP"],
    [{ passwordExpiresAt: NOW }, "KDC_ERR_KEY_EXPIRED"],
  ] as const) {
    const as = new TestAs();
    as.change("alice", changes);
    expect(await countOf(times(20, () => as.login("alice", AWAY)))).toEqual({
      [reason]: 10,
      RESOURCE_EXHAUSTED: 10,
    });
  }
});

test("the same request sent again counts once", async () => {
  const as = new TestAs();
  const again = makeAsReq(named("alice"), { etypes: [20] }, randomKey(keyOf(as.realm.alice).etype), NOW);
  expect(await countOf(times(100, () => as.send(again, AWAY)))).toEqual({ KDC_ERR_PREAUTH_FAILED: 100 });
  expect(as.attempts.of(named("alice")).failures).toBe(1);
});

test("time lets a guesser go on, one try a minute, and a clock that is turned back does not", async () => {
  const as = new TestAs();
  await countOf(times(20, () => as.guess("alice", AWAY)));
  as.now -= 24 * HOUR;
  expect(await as.guess("alice", AWAY)).toBe("RESOURCE_EXHAUSTED");
  as.now += MINUTE;
  expect(await countOf(times(20, () => as.guess("alice", AWAY)))).toEqual({
    KDC_ERR_PREAUTH_FAILED: 1,
    RESOURCE_EXHAUSTED: 19,
  });
});

test("a login that can't be noted stands, and the log says so", async () => {
  const as = new TestAs();
  const begin = as.attempts.begin.bind(as.attempts);
  as.attempts.begin = (...given) => ({
    ...begin(...given),
    succeeded: () => {
      throw new StoreError("full", "/realm/attempts: no room");
    },
  });
  expect(await as.login("alice", AWAY)).toBe("OK");
  expect(as.log[0]).toMatchObject({
    level: "error",
    text: "a login was not noted: /realm/attempts: no room",
  });
});

test("where an attempt can't be counted, nobody learns whether the proof was right", async () => {
  const as = new TestAs();
  const down = new StoreError("unavailable", "the disk is gone");
  const begin = as.attempts.begin.bind(as.attempts);
  as.attempts.begin = (...given) => ({
    ...begin(...given),
    failed: () => {
      throw down;
    },
  });
  expect(await as.guess("alice", AWAY)).toBe("KDC_ERR_SVC_UNAVAILABLE");
});
