/** Failed logins, counted: the same in memory and in a file. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type AttemptLimits, DEFAULT_ATTEMPT_LIMITS } from "../../../src/protocol/attempt-limits.js";
import { LoginAttempts } from "../../../src/store/attempts/login-attempts.js";
import { HOUR, MINUTE, NOW, named } from "../../support/entries.js";

const ALICE = named("alice");
const BOB = named("bob");
const HOME = "192.0.2.1";
const AWAY = "198.51.100.1";
const LIMITS = DEFAULT_ATTEMPT_LIMITS;
const PLENTY = { count: 1_000_000, span: 24 * HOUR };

function newPath(): string {
  const dir = mkdtempSync(join(tmpdir(), "tessera-attempts-"));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return join(dir, "attempts");
}

async function openFile(path = newPath()): Promise<LoginAttempts> {
  const attempts = await LoginAttempts.open(path);
  onTestFinished(() => attempts.close());
  return attempts;
}

let proofs = 0;
const newProof = () => Buffer.from(`proof ${proofs++}`);

/** Fails `times` times, and says how many of them were counted before the first that was told to wait. */
function fail(
  attempts: LoginAttempts,
  times: number,
  { name = ALICE, peer = AWAY, limits = LIMITS, now = NOW } = {},
): number {
  let counted = 0;
  for (let i = 0; i < times; i++) {
    const attempt = attempts.begin(name, peer, limits, now);
    if (attempt.waitMs === 0) counted++;
    attempt.failed(newProof());
  }
  return counted;
}

const wait = (attempts: LoginAttempts, { name = ALICE, peer = AWAY, limits = LIMITS, now = NOW } = {}) =>
  attempts.begin(name, peer, limits, now).waitMs;

const only = (limits: Partial<AttemptLimits>): AttemptLimits => ({
  nameAndPeer: PLENTY,
  name: PLENTY,
  peer: PLENTY,
  ...limits,
});

describe.each([
  ["in memory", async () => LoginAttempts.inMemory("a secret")],
  ["in a file", () => openFile()],
] as const)("%s", (_, open) => {
  test("a name at one address: ten at once, then one a minute", async () => {
    const attempts = await open();
    expect(fail(attempts, 1_000)).toBe(10);
    expect(wait(attempts)).toBe(MINUTE);
    expect(wait(attempts, { now: NOW + MINUTE - 1 })).toBe(1);
    expect(fail(attempts, 1_000, { now: NOW + MINUTE })).toBe(1);
    expect(fail(attempts, 1_000, { now: NOW + 6 * MINUTE })).toBe(5);
    expect(fail(attempts, 1_000, { now: NOW + HOUR })).toBe(10);
  });

  test("the others are served: other names there, the name elsewhere", async () => {
    const attempts = await open();
    fail(attempts, 1_000);
    expect(wait(attempts, { name: BOB })).toBe(0);
    expect(wait(attempts, { peer: HOME })).toBe(0);
  });

  test("many addresses at one name: sixty at once, then one in ten seconds, from anywhere", async () => {
    const attempts = await open();
    let counted = 0;
    for (let i = 0; i < 100; i++) counted += fail(attempts, 10, { peer: `203.0.113.${i}` });
    expect(counted).toBe(60);
    expect(wait(attempts, { peer: HOME })).toBe(10_000);
    expect(fail(attempts, 100, { peer: HOME, now: NOW + 10_000 })).toBe(1);
    expect(wait(attempts, { name: BOB, peer: "203.0.113.1" })).toBe(0);
  });

  test("one password over many names: three hundred at once, then one a second", async () => {
    const attempts = await open();
    let counted = 0;
    for (let i = 0; i < 1_000; i++) counted += fail(attempts, 1, { name: named(`u${i}`) });
    expect(counted).toBe(300);
    expect(wait(attempts, { name: BOB })).toBe(1_000);
    expect(wait(attempts, { name: BOB, peer: HOME })).toBe(0);
  });

  test("a principal is let in where it logged in before, whoever uses up name or address", async () => {
    const attempts = await open();
    attempts.begin(ALICE, HOME, LIMITS, NOW).succeeded();
    for (let i = 0; i < 100; i++) fail(attempts, 10, { peer: `203.0.113.${i}` });
    expect(attempts.begin(ALICE, HOME, LIMITS, NOW)).toMatchObject({ waitMs: 10_000, isOpen: true });
    expect(attempts.begin(ALICE, AWAY, LIMITS, NOW)).toMatchObject({ waitMs: 10_000, isOpen: false });
    for (let i = 0; i < 1_000; i++) fail(attempts, 1, { name: named(`u${i}`), peer: HOME });
    expect(attempts.begin(ALICE, HOME, LIMITS, NOW)).toMatchObject({ isOpen: true });
    expect(attempts.begin(BOB, HOME, LIMITS, NOW)).toMatchObject({ isOpen: false });
  });

  test("a guesser at that very address is stopped there too, and told no more than elsewhere", async () => {
    const attempts = await open();
    const waits = (name: typeof ALICE) => {
      const told: number[] = [];
      for (let i = 0; i < 50; i++) {
        told.push(wait(attempts, { name, peer: HOME }));
        fail(attempts, 1, { name, peer: HOME });
      }
      return told;
    };
    attempts.begin(ALICE, HOME, LIMITS, NOW).succeeded();
    expect(waits(ALICE)).toEqual(waits(named("nobody")));
    expect(attempts.begin(ALICE, HOME, LIMITS, NOW)).toMatchObject({ waitMs: MINUTE, isOpen: false });
    // The reserve comes back as the bucket does.
    expect(attempts.begin(ALICE, HOME, LIMITS, NOW + MINUTE - 1)).toMatchObject({ isOpen: false });
    expect(attempts.begin(ALICE, HOME, LIMITS, NOW + MINUTE)).toMatchObject({ isOpen: true });
  });

  test("an address is remembered for 90 days, and six of them", async () => {
    const attempts = await open();
    const limits = only({ name: { count: 1, span: 86_400_000 } });
    const at = (peer: string, now: number) => attempts.begin(ALICE, peer, limits, now);
    const DAY = 24 * HOUR;
    at(HOME, NOW).succeeded();
    fail(attempts, 1, { peer: AWAY, limits, now: NOW + 90 * DAY });
    expect(at(HOME, NOW + 90 * DAY)).toMatchObject({ waitMs: DAY, isOpen: true });
    expect(at(HOME, NOW + 90 * DAY + 1_000)).toMatchObject({ isOpen: false });
    const later = NOW + 90 * DAY + 10_000;
    for (let i = 0; i <= 6; i++) at(`203.0.113.${i}`, later + i * 1_000).succeeded();
    expect(at("203.0.113.0", later + 10_000)).toMatchObject({ isOpen: false });
    for (let i = 1; i <= 6; i++)
      expect(at(`203.0.113.${i}`, later + 10_000)).toMatchObject({ waitMs: DAY - 20_000, isOpen: true });
  });

  test("the same proof counts once, however often it is sent", async () => {
    const attempts = await open();
    const proof = newProof();
    for (let i = 0; i < 1_000; i++) attempts.begin(ALICE, AWAY, LIMITS, NOW).failed(proof);
    expect(attempts.of(ALICE).failures).toBe(1);
    expect(fail(attempts, 100)).toBe(9);
  });

  test("a login takes back its own failures before it, three at most", async () => {
    const attempts = await open();
    for (let i = 0; i < 100; i++) {
      expect(fail(attempts, 2, { peer: HOME })).toBe(2);
      attempts.begin(ALICE, HOME, LIMITS, NOW).succeeded();
    }
    fail(attempts, 9, { peer: HOME });
    attempts.begin(ALICE, HOME, LIMITS, NOW).succeeded();
    expect(fail(attempts, 100, { peer: HOME })).toBe(4);
    // Whoever has an account of their own wins no guesses at others.
    for (let i = 0; i < 1_000; i++) {
      fail(attempts, 1, { name: named(`u${i}`) });
      attempts.begin(BOB, AWAY, LIMITS, NOW).succeeded();
    }
    expect(wait(attempts)).toBe(1_000);
  });

  test("what an operator sees, and unlocks", async () => {
    const attempts = await open();
    expect(attempts.of(ALICE)).toEqual({ failures: 0, lastFailure: undefined, lastLogin: undefined });
    attempts.begin(ALICE, HOME, LIMITS, NOW + 999).succeeded();
    fail(attempts, 100, { now: NOW + HOUR });
    fail(attempts, 1, { name: BOB, now: NOW + HOUR });
    expect(attempts.of(ALICE)).toEqual({ failures: 10, lastFailure: NOW + HOUR, lastLogin: NOW });
    attempts.unlock(ALICE, NOW + HOUR);
    expect(attempts.of(ALICE)).toEqual({ failures: 0, lastFailure: undefined, lastLogin: NOW });
    expect(wait(attempts, { now: NOW + HOUR })).toBe(0);
    expect(fail(attempts, 100, { now: NOW + HOUR + 1 })).toBe(10);
    attempts.begin(ALICE, HOME, LIMITS, NOW + HOUR + 2_000).succeeded();
    expect(attempts.of(ALICE)).toMatchObject({ failures: 0, lastFailure: NOW + HOUR + 1 });
    expect(attempts.of(BOB).failures).toBe(1);
  });

  test("a clock that was a day ahead and is set back locks nobody out, and forgives nobody", async () => {
    const attempts = await open();
    attempts.begin(ALICE, HOME, LIMITS, NOW + 24 * HOUR).succeeded();
    fail(attempts, 100, { now: NOW + 24 * HOUR });
    expect(wait(attempts)).toBe(MINUTE);
    expect(wait(attempts, { now: NOW + MINUTE - 1 })).toBe(1);
    expect(fail(attempts, 100, { now: NOW + MINUTE })).toBe(1);
    expect(fail(attempts, 100, { now: NOW + HOUR })).toBe(10);
    expect(attempts.begin(ALICE, HOME, LIMITS, NOW + HOUR).waitMs).toBe(0);
  });

  // The story: for one failure that was counted while the clock was a day ahead, the bucket seemed empty once
  // the clock was right, and the name's owner had to wait.
  test("what was used by a clock that was ahead is what is used once it is set back", async () => {
    const attempts = await open();
    expect(fail(attempts, 3, { now: NOW + 24 * HOUR })).toBe(3);
    expect(wait(attempts)).toBe(0);
    expect(fail(attempts, 100)).toBe(7);
    expect(wait(attempts)).toBe(MINUTE);
  });

  test("a flood of names has no guesser forgotten", async () => {
    const attempts = await open();
    fail(attempts, 10);
    const limits = only({ nameAndPeer: LIMITS.nameAndPeer });
    // In memory there is room for 16,384 rows, and each name takes two.
    for (let i = 0; i < 12_000; i++) fail(attempts, 1, { name: named(`u${i}`), peer: HOME, limits });
    expect(wait(attempts)).toBe(MINUTE);
    expect(fail(attempts, 10)).toBe(0);
    // And nobody new is kept out by it.
    expect(wait(attempts, { name: named("newcomer"), peer: HOME, limits })).toBe(0);
  });
});

test("names are not in the file, and it does not grow with them", async () => {
  const path = newPath();
  const attempts = await openFile(path);
  const { size } = statSync(path);
  for (let i = 0; i < 1_000; i++) fail(attempts, 1, { name: named(`u${i}`) });
  expect(statSync(path).size).toBe(size);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  attempts.begin(ALICE, HOME, LIMITS, NOW).succeeded();
  expect(statSync(path).size).toBeLessThanOrEqual(4096 + 20 * 2 ** 20);
});

test("what was counted outlives the process, and is shared by all that have the file open", async () => {
  const path = newPath();
  const [first, second] = [await openFile(path), await openFile(path)];
  expect(fail(first, 6) + fail(second, 100)).toBe(10);
  first.begin(BOB, HOME, LIMITS, NOW).succeeded();
  const third = await openFile(path);
  expect(wait(third)).toBe(MINUTE);
  expect(third.of(BOB).lastLogin).toBe(NOW);
  third.unlock(ALICE, NOW);
  expect(wait(first)).toBe(0);
});

test.each([
  ["holds something else", Buffer.alloc(5000, 7), "corrupt", /does not hold login attempts; delete it/],
  ["is cut short", Buffer.from("TSLA"), "corrupt", /does not hold login attempts; delete it/],
  [
    "is of a newer release",
    Buffer.concat([Buffer.from("TSLA\0\0\0\x02"), Buffer.alloc(32)]),
    "version",
    /version 2 is of a newer release/,
  ],
])("a file that %s is refused by name", async (_, bytes, code, text) => {
  const path = newPath();
  writeFileSync(path, bytes, { mode: 0o600 });
  await expect(LoginAttempts.open(path)).rejects.toMatchObject({
    name: "StoreError",
    code,
    message: expect.stringMatching(text),
  });
});

test("a file that others can read is refused", async () => {
  const path = newPath();
  writeFileSync(path, "", { mode: 0o644 });
  await expect(LoginAttempts.open(path)).rejects.toMatchObject({ name: "PrivateFileError", code: "unsafe" });
});
