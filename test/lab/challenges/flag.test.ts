/** Flags: whose they are, and what they can be compared with where the flag itself is not. */
import { expect, test } from "vitest";
import {
  fits,
  flagOf,
  makeVerifier,
  ownerTag,
  randomFlag,
  randomTag,
  readFlag,
  receiptOf,
  tagOf,
} from "../../../src/lab/challenges/flag.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";

const SEED = Buffer.from("a seed that a teacher keeps");
const ALICE = { class: "4b", student: "alice" };

test("the same seed, student and challenge make the same flag; whatever else, another", () => {
  const flag = flagOf(SEED, ALICE, "whose-ticket");
  expect(flagOf(SEED, { ...ALICE }, "whose-ticket")).toBe(flag);
  const others = [
    flagOf(Buffer.from("another seed that a teacher keeps"), ALICE, "whose-ticket"),
    flagOf(SEED, { ...ALICE, class: "4c" }, "whose-ticket"),
    flagOf(SEED, { ...ALICE, student: "bob" }, "whose-ticket"),
    flagOf(SEED, ALICE, "why-no-login"),
  ];
  expect(new Set([flag, ...others]).size).toBe(5);
  expect(others.map(tagOf)).not.toContain(undefined);
  expect(others.slice(0, 3).map(tagOf)).not.toContain(tagOf(flag));
  expect(tagOf(others[3]!)).toBe(ownerTag(SEED, ALICE));
});

test("a flag has one form, and is a component of a principal", () => {
  for (let i = 0; i < 200; i++) {
    const flag = randomFlag(randomTag());
    expect(flag).toMatch(/^tessera(?:-[0-9a-hjkmnp-tv-z]{4}){4}$/);
    expect(readFlag(flag)).toBe(flag);
    expect(parsePrincipal(`carol/${flag}@EXAMPLE.TEST`, "client")).toContain(flag);
  }
});

test("what is typed with the wrong case, or with letters for digits, is the same flag", () => {
  const flag = "tessera-0a1b-2c3d-4e5f-6g7h";
  expect(readFlag("  TESSERA-Oa1b-2c3d-4e5f-6g7h\n")).toBe(flag);
  expect(readFlag("tessera-oaIb-2c3d-4e5f-6g7h")).toBe(flag);
  expect(readFlag("tessera-0alb-2c3d-4e5f-6g7h")).toBe(flag);
});

test.each([
  "",
  "tessera",
  "tessera-0a1b-2c3d-4e5f",
  "tessera-0a1b-2c3d-4e5f-6g7u",
  "flag{0a1b}",
  "é".repeat(9999),
])("%j is no flag", (text) => {
  expect(readFlag(text)).toBeUndefined();
});

test("a verifier fits its flag and no other, and holds nothing of it", async () => {
  const flag = randomFlag("0000");
  const [one, two] = [await makeVerifier(flag), await makeVerifier(flag)];
  expect(await fits(flag, one)).toBe(true);
  expect(await fits(randomFlag("0000"), one)).toBe(false);
  expect(one).not.toEqual(two);
  expect(await fits(flag, { ...one, hash: one.hash.slice(0, -2) })).toBe(false);
});

test("a receipt is of one flag, one time and one number of hints", () => {
  const flag = randomFlag("0000");
  const receipts = [
    receiptOf(flag, "2026-11-30T09:00:00.000Z", 0),
    receiptOf(flag, "2026-11-30T09:00:00.000Z", 1),
    receiptOf(flag, "2026-11-30T09:00:00.001Z", 0),
    receiptOf(randomFlag("0000"), "2026-11-30T09:00:00.000Z", 0),
  ];
  expect(new Set(receipts).size).toBe(4);
});
