/** A profile that changes while the servers run. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LivePolicy } from "../../src/realm/live-policy.js";
import { createRealmDirectory } from "../../src/realm/realm-directory.js";
import { DEFAULT_SETTINGS, policyOf } from "../../src/realm/realm-settings.js";
import { checkWeakCrypto } from "../../src/services/listen.js";

let root: string;
let dir: string;
let told: [text: string, failed: boolean][];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "tessera-live-"));
  dir = join(root, "realm");
  told = [];
});

afterEach(() => rm(root, { recursive: true }));

async function follow(profile: "textbook" | "standard", host: string): Promise<LivePolicy> {
  const settings = { ...DEFAULT_SETTINGS, profile };
  await createRealmDirectory(dir, settings);
  return new LivePolicy({
    dir,
    profile,
    policy: policyOf(settings),
    check: (permitted) => checkWeakCrypto(host, permitted, false),
    onChange: (text, failed) => void told.push([text, failed]),
  });
}

async function setProfile(profile: string): Promise<void> {
  const file = join(dir, "realm.json");
  const settings = JSON.parse(await readFile(file, "utf8")) as object;
  await writeFile(file, JSON.stringify({ ...settings, profile }));
}

test("a realm moved to standard permits no weak type any more, and the same object until it is moved", async () => {
  const live = await follow("textbook", "127.0.0.1");
  const before = live.current;
  await live.refresh();
  expect(live.current).toBe(before);
  await setProfile("standard");
  await live.refresh();
  expect(live.current).toEqual({ ...before, permittedEtypes: [20, 19], keyEtypes: [20, 19] });
  expect(told).toEqual([["profile standard from now on", false]]);
  live.close();
});

test("weak types do not come to a server that listens beyond loopback", async () => {
  const live = await follow("standard", "0.0.0.0");
  await setProfile("textbook");
  await live.refresh();
  expect(live.current.permittedEtypes).toEqual([20, 19]);
  expect(told).toEqual([[expect.stringMatching(/^the profile stays standard: .*--allow-weak-crypto/), true]]);
  live.close();
});

test("a file that can't be read changes nothing", async () => {
  const live = await follow("textbook", "127.0.0.1");
  await writeFile(join(dir, "realm.json"), "{");
  await live.refresh();
  expect(live.current.keyEtypes).toEqual([3]);
  expect(told).toEqual([[expect.stringContaining("the profile stays textbook"), true]]);
  live.close();
});
