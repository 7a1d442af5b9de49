/** A profile that changes while the servers run. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DEFAULT_ATTEMPT_LIMITS } from "../../src/protocol/attempt-limits.js";
import { LivePolicy } from "../../src/realm/live-policy.js";
import { createRealmDirectory, settingsFileOf } from "../../src/realm/realm-directory.js";
import { DEFAULT_SETTINGS, policyOf } from "../../src/realm/realm-settings.js";
import { eventually } from "../support/eventually.js";
import { newFolder } from "./folder.js";

const WEAK_REFUSED = new Error("weak types are refused here");

/** A realm's folder that is followed, and what was told of it. */
async function follow(
  profile: "textbook" | "standard",
  refuse: (etypes: readonly number[]) => boolean = () => false,
) {
  const dir = join(newFolder(), "realm");
  const settings = { ...DEFAULT_SETTINGS, profile };
  await createRealmDirectory(dir, settings);
  const told: [text: string, failed: boolean][] = [];
  const live = new LivePolicy({
    dir,
    settings,
    policy: policyOf(settings),
    check: (permitted) => {
      if (refuse(permitted)) throw WEAK_REFUSED;
    },
    onChange: (text, failed) => void told.push([text, failed]),
  });
  onTestFinished(() => live.close());
  return { dir, live, told };
}

function change(dir: string, changes: object): void {
  const file = settingsFileOf(dir);
  const settings = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...settings, ...changes }));
}

test("a realm moved to standard permits no weak type; the policy is the same object until then", async () => {
  const { dir, live, told } = await follow("textbook");
  const before = live.current;
  expect(before).toEqual(policyOf(DEFAULT_SETTINGS));
  await live.refresh();
  expect(live.current).toBe(before);
  change(dir, { profile: "standard" });
  await live.refresh();
  const after = live.current;
  expect(after).toEqual({ ...before, permittedEtypes: [20, 19], keyEtypes: [20, 19] });
  await live.refresh();
  expect(live.current).toBe(after);
  expect(told).toEqual([["profile standard from now on", false]]);
});

test("a profile that the servers may not run with is not taken up, nor is it forgotten", async () => {
  let strict = true;
  const { dir, live, told } = await follow("standard", (etypes) => strict && etypes.includes(3));
  const before = live.current;
  change(dir, { profile: "textbook" });
  await live.refresh();
  expect(live.current).toBe(before);
  strict = false;
  await live.refresh();
  expect(live.current.permittedEtypes).toEqual([20, 19, 16, 3, -2, -1]);
  expect(told).toEqual([
    ["the profile stays standard: weak types are refused here", true],
    ["profile textbook from now on", false],
  ]);
});

test("limits change in place, each by its name", async () => {
  const { dir, live, told } = await follow("standard");
  change(dir, { maxLife: "1h", maxRenewableLife: "2d", iterations: 40_000 });
  await live.refresh();
  expect(live.current).toMatchObject({
    maxLife: 3_600_000,
    maxRenewableLife: 2 * 86_400_000,
    iterations: 40_000,
  });
  change(dir, { iterations: undefined });
  await live.refresh();
  expect(live.current.iterations).toBeUndefined();
  expect(told).toEqual([
    ["maxLife 1h from now on", false],
    ["maxRenewableLife 2d from now on", false],
    ["iterations 40000 from now on", false],
    ["iterations by default from now on", false],
  ]);
});

test("limits of failed logins change in place", async () => {
  const { dir, live, told } = await follow("standard");
  change(dir, { attempts: { name: "5/1h" } });
  await live.refresh();
  await live.refresh();
  expect(live.current.attempts).toEqual({ ...DEFAULT_ATTEMPT_LIMITS, name: { count: 5, span: 3_600_000 } });
  change(dir, { attempts: undefined });
  await live.refresh();
  expect(live.current.attempts).toEqual(DEFAULT_ATTEMPT_LIMITS);
  expect(told).toEqual([
    ["attempts nameAndPeer 10/10m, name 5/1h, peer 300/5m from now on", false],
    ["attempts nameAndPeer 10/10m, name 60/10m, peer 300/5m from now on", false],
  ]);
});

test("the realm's name and the clock skew wait for the next start; what can change does", async () => {
  const { dir, live, told } = await follow("textbook");
  change(dir, { profile: "standard", clockSkew: "1m", realm: "OTHER.TEST" });
  await live.refresh();
  expect(live.current).toMatchObject({ realm: "EXAMPLE.TEST", keyEtypes: [20, 19], clockSkew: 300_000 });
  expect(told).toEqual([
    ["profile standard from now on", false],
    ["realm stays EXAMPLE.TEST until the next start", true],
    ["clockSkew stays 5m until the next start", true],
  ]);
});

test("a file that can't be read changes nothing, until it can", async () => {
  const { dir, live, told } = await follow("textbook");
  const file = settingsFileOf(dir);
  const good = readFileSync(file, "utf8");
  const before = live.current;
  writeFileSync(file, "{");
  await live.refresh();
  expect(live.current).toBe(before);
  expect(told).toEqual([[expect.stringMatching(`^the settings stay as they are: ${file}: not JSON`), true]]);
  writeFileSync(file, good);
  change(dir, { profile: "standard" });
  await live.refresh();
  expect(live.current.keyEtypes).toEqual([20, 19]);
});

test("a change is noticed by itself; after close none is", async () => {
  const { dir, live, told } = await follow("textbook");
  change(dir, { profile: "standard" });
  await eventually(() => expect(told).toEqual([["profile standard from now on", false]]));
  live.close();
  change(dir, { profile: "textbook" });
  // A look that is told of shows that the time for another has passed.
  const other = await follow("textbook");
  change(other.dir, { profile: "standard" });
  await eventually(() => expect(other.told).toHaveLength(1));
  expect(told).toHaveLength(1);
  expect(live.current.keyEtypes).toEqual([20, 19]);
});
