import { expect, test } from "vitest";
import { UsageKeys } from "../../src/crypto/usage-keys.js";
import { refusal } from "./vectors.js";

function counting() {
  const log: string[] = [];
  const keys = new UsageKeys((usage) => {
    log.push(`derive ${usage}`);
    return { usage, wipe: () => log.push(`wipe ${usage}`) };
  });
  return { keys, log };
}

test("derives once for each usage", () => {
  const { keys, log } = counting();
  expect(keys.get(7)).toBe(keys.get(7));
  keys.get(8);
  expect(log).toEqual(["derive 7", "derive 8"]);
});

test("keeps 32 usages, and wipes the oldest to make room", () => {
  const { keys, log } = counting();
  for (let usage = 0; usage < 32; usage++) keys.get(usage);
  expect(log.filter((line) => line.startsWith("wipe"))).toEqual([]);
  keys.get(32);
  expect(log.at(-1)).toBe("wipe 0");
  keys.get(0);
  expect(log.slice(-2)).toEqual(["derive 0", "wipe 1"]);
});

test("wipe wipes all of them and ends the cache", () => {
  const { keys, log } = counting();
  keys.get(1);
  keys.get(2);
  keys.wipe();
  expect(log.slice(2)).toEqual(["wipe 1", "wipe 2"]);
  expect(refusal(() => keys.get(1))).toBe("Error: key: already wiped");
});

test("refuses what is no key usage", () => {
  const { keys } = counting();
  for (const usage of [-1, 1.5, 2 ** 32, Number.NaN])
    expect(refusal(() => keys.get(usage))).toBe(
      `RangeError: usage: expected an integer from 0 to 4294967295, got ${usage}`,
    );
});
