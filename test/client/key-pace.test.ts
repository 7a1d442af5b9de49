import { expect, test } from "vitest";
import type { KeyGuess } from "../../src/client/client-etypes.js";
import { inTime } from "../../src/client/key-pace.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";

function guess(etype: number, count?: number): KeyGuess {
  const params = count === undefined ? new Uint8Array() : etypeOf(etype).iterations!.toParams(count);
  return { etype, stringToKey: { salt: "Ra", params } };
}

/** A maker whose iterations take a microsecond each, and what it made. */
function maker(timeoutMs: number) {
  let now = 0;
  const made: (number | undefined)[] = [];
  const keyOf = inTime(
    async ({ etype, stringToKey: { params } }) => {
      const { iterations } = etypeOf(etype);
      const count = params.length === 0 ? iterations?.default : iterations?.inParams(params);
      made.push(count);
      now += (count ?? 0) / 1000;
      return randomKey(etypeOf(etype));
    },
    timeoutMs,
    () => now,
  );
  return { keyOf, made };
}

test("a key that would take longer than a call may is never begun", async () => {
  const { keyOf, made } = maker(2000);
  await keyOf(guess(20));
  await expect(keyOf(guess(20, 10_000_000))).rejects.toMatchObject({
    reason: "KDC_ERR_ETYPE_NOSUPP",
    details: { asked: "10000000", expected_ms: "10000", limit_ms: "2000" },
  });
  expect(made).toEqual([32_768]);
  await keyOf(guess(20, 2_000_000));
  expect(made).toEqual([32_768, 2_000_000]);
});

test("where nothing is known of the machine's speed, the fewest iterations come first", async () => {
  const { keyOf, made } = maker(2000);
  await keyOf(guess(3));
  await expect(keyOf(guess(19, 2_000_001))).rejects.toMatchObject({ reason: "KDC_ERR_ETYPE_NOSUPP" });
  expect(made).toEqual([undefined, 32_768]);
});
