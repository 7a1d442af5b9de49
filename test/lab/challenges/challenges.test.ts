/** The table of challenges, what a learner's folder holds, and that no flag lies about in clear. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CHALLENGE_NAMES } from "../../../src/lab/challenges/challenge-names.js";
import { CHALLENGES, challengeNamed } from "../../../src/lab/challenges/challenge-table.js";
import { formatKit, type Kit, makeKit, parseKit } from "../../../src/lab/challenges/class-kit.js";
import { marksOf } from "../../../src/lab/challenges/class-marks.js";
import { equalBlocks } from "../../../src/lab/challenges/equal-blocks.js";
import { flagOf, randomFlag } from "../../../src/lab/challenges/flag.js";
import { guessPassword } from "../../../src/lab/challenges/guess-password.js";
import { loadProgress, parseProgress, progressFile } from "../../../src/lab/challenges/progress.js";
import { readScore, scoreOf } from "../../../src/lab/challenges/score.js";
import { silverTicket } from "../../../src/lab/challenges/silver-ticket.js";
import { TWENTY_LINES } from "../../../src/lab/challenges/twenty-line-tgs-text.js";
import { whoseTicket } from "../../../src/lab/challenges/whose-ticket.js";
import { beginFiles, beginRealm, handIn, joinClass, nextHint } from "../../../src/lab/challenges/work.js";
import { unwrapFlag, wrapFlag } from "../../../src/lab/challenges/wrapped-flag.js";

import { contentsOf } from "./desk.js";

const NOW = Date.UTC(2026, 10, 30, 9);
const SEED = Buffer.from("a seed that a teacher keeps");
const ALICE = { class: "4b", student: "alice" };

/** Made once: each flag in it costs a slow hash. */
let kit: Promise<Kit> | undefined;
function alicesKit(): Promise<Kit> {
  kit ??= makeKit(SEED, ALICE, NOW);
  return kit;
}

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "tessera-challenges-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe("the table", () => {
  test("has twelve challenges, from easy to hard", () => {
    expect(CHALLENGES.map(({ name }) => name)).toEqual([...CHALLENGE_NAMES]);
    expect(CHALLENGES).toHaveLength(12);
    const levels = CHALLENGES.map(({ level }) => ["easy", "medium", "hard"].indexOf(level));
    expect(levels).toEqual(levels.toSorted());
    for (const { points, hints } of CHALLENGES) {
      expect(points % 10).toBe(0);
      expect(hints).toHaveLength(3);
    }
  });

  test("an unknown name is refused with the nearest", () => {
    expect(() => challengeNamed("lifted-heder")).toThrow(/did you mean lifted-header\?/);
    expect(() => challengeNamed("x")).toThrow(
      expect.objectContaining({ code: "unknown-challenge", exitCode: 2 }),
    );
  });

  test("the twenty lines that are shown are those that run, and they are twenty", () => {
    const path = new URL("../../../src/lab/challenges/twenty-line-tgs.ts", import.meta.url);
    const [, shown] = readFileSync(path, "utf8").split("// The twenty lines.\n");
    expect(TWENTY_LINES).toBe(shown);
    const body = TWENTY_LINES.split("\n").filter((line) => line.startsWith("  "));
    expect(body.length).toBe(21);
  });
});

/** A flag as one might find it: as it is, in hex, and in base64 at each of the three places of a group. */
function formsOf(flag: string): string[] {
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.from(" ".repeat(before) + flag).toString("base64");
    return text.slice(4, -4);
  });
  return [flag, Buffer.from(flag).toString("hex"), ...base64];
}

function formsFound(flag: string, files: readonly Buffer[]): string[] {
  return formsOf(flag).filter((form) => files.some((bytes) => bytes.includes(form)));
}

describe("a flag is not to be found by looking", () => {
  test("the search finds what lies in clear", () => {
    const flag = randomFlag("0000");
    const found = (text: string | Buffer) => formsFound(flag, [Buffer.from(text)]).length;
    expect(found(`x ${flag} y`)).toBe(1);
    for (const before of ["", "a", "ab"])
      expect(found(Buffer.from(`${before}${flag}tail`).toString("base64"))).toBe(1);
    expect(found(Buffer.from(flag).toString("hex"))).toBe(1);
    expect(found("nothing")).toBe(0);
  });

  test("in a class's kit, and in a learner's folder with every challenge begun", async () => {
    const flags = CHALLENGES.map(({ name }) => flagOf(SEED, ALICE, name));
    for (const flag of flags)
      expect(formsFound(flag, [Buffer.from(formatKit(await alicesKit()))])).toEqual([]);
    await joinClass(dir, await alicesKit());
    const told = () => {};
    for (const challenge of CHALLENGES) {
      if (challenge.kind === "files") await beginFiles(dir, challenge, NOW);
      else await (await beginRealm(dir, challenge, { scene: "lesson", told })).running.close();
    }
    const files = contentsOf(dir);
    expect(files.length).toBeGreaterThan(30);
    for (const flag of flags) expect(formsFound(flag, files)).toEqual([]);
    // It is there all the same, and right.
    expect(await handIn(dir, whoseTicket, flags[0]!, NOW)).toMatchObject({ verdict: "right" });
    for (const flag of flags) expect(formsFound(flag, contentsOf(dir))).toEqual([]);
  });

  test("every file of a learner is the learner's alone", async () => {
    await beginFiles(dir, equalBlocks, NOW);
    for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
      const { mode } = statSync(join(entry.parentPath, entry.name));
      expect([entry.name, mode & 0o777]).toEqual([entry.name, entry.isFile() ? 0o600 : 0o700]);
    }
  });

  test("a wrapped flag opens for its own challenge alone", () => {
    const wrapped = wrapFlag("tessera-0000-0000-0000-0000", "silver-ticket");
    expect(unwrapFlag(wrapped, "silver-ticket")).toBe("tessera-0000-0000-0000-0000");
    expect(unwrapFlag(wrapped, "forge-under-ecb")).toBeUndefined();
    expect(unwrapFlag(wrapped.subarray(1), "silver-ticket")).toBeUndefined();
    expect(unwrapFlag(new Uint8Array(), "silver-ticket")).toBeUndefined();
  });
});

describe("handing in", () => {
  test("before the start there is nothing to compare with", async () => {
    const refusal = handIn(dir, whoseTicket, randomFlag("0000"), NOW);
    await expect(refusal).rejects.toMatchObject({ code: "not-started", exitCode: 1 });
  });

  test("a flag of another class is foreign, one with the right tag wrong; each is counted", async () => {
    await joinClass(dir, await alicesKit());
    await beginFiles(dir, whoseTicket, NOW);
    const other = flagOf(Buffer.from("the seed of another class"), ALICE, "whose-ticket");
    expect(await handIn(dir, whoseTicket, other, NOW)).toEqual({ verdict: "foreign" });
    const bobs = flagOf(SEED, { ...ALICE, student: "bob" }, "whose-ticket");
    expect(await handIn(dir, whoseTicket, bobs, NOW)).toEqual({ verdict: "foreign" });
    const ofAnother = flagOf(SEED, ALICE, "why-no-login");
    expect(await handIn(dir, whoseTicket, ofAnother, NOW)).toEqual({ verdict: "wrong" });
    expect(await handIn(dir, whoseTicket, "carol", NOW)).toEqual({ verdict: "not-a-flag" });
    expect((await readScore(dir)).rows[0]).toMatchObject({ status: "started", wrong: 3, earned: 0 });
  });

  test("hints come one at a time, and each costs a fifth", async () => {
    await joinClass(dir, await alicesKit());
    await beginFiles(dir, equalBlocks, NOW);
    expect(await nextHint(dir, equalBlocks)).toMatchObject({ number: 1, of: 3, text: equalBlocks.hints[0] });
    expect(await nextHint(dir, equalBlocks)).toMatchObject({ number: 2, counts: true });
    const flag = flagOf(SEED, ALICE, "equal-blocks");
    expect(await handIn(dir, equalBlocks, flag, NOW)).toMatchObject({
      verdict: "right",
      points: 12,
      again: false,
    });
    expect(await nextHint(dir, equalBlocks)).toMatchObject({ number: 3, counts: false });
    expect(await handIn(dir, equalBlocks, flag, NOW + 1)).toEqual({
      verdict: "right",
      points: 12,
      again: true,
      solvedAt: "2026-11-30T09:00:00.000Z",
    });
    expect(await readScore(dir)).toMatchObject({ owner: ALICE, earned: 12, solved: 1, possible: 340 });
  });

  test("there is a last hint", async () => {
    for (const hint of whoseTicket.hints) expect((await nextHint(dir, whoseTicket))?.text).toBe(hint);
    expect(await nextHint(dir, whoseTicket)).toBeUndefined();
  });

  test("who is in no class gets another flag with each start", async () => {
    await beginFiles(dir, whoseTicket, NOW);
    const first = (await loadProgress(dir))!.challenges.get("whose-ticket")!.verifier;
    await beginFiles(dir, whoseTicket, NOW);
    expect((await loadProgress(dir))!.challenges.get("whose-ticket")!.verifier).not.toEqual(first);
  });

  test("what is done at once in two terminals is all kept", async () => {
    await beginFiles(dir, whoseTicket, NOW);
    const { tag } = (await loadProgress(dir))!;
    const doings = Array.from({ length: 4 }, () => handIn(dir, whoseTicket, randomFlag(tag), NOW));
    await Promise.all([...doings, nextHint(dir, equalBlocks), beginFiles(dir, guessPassword, NOW)]);
    const { challenges } = (await loadProgress(dir))!;
    expect(challenges.get("whose-ticket")?.wrong).toBe(4);
    expect(challenges.get("equal-blocks")?.hints).toBe(1);
    expect(challenges.get("guess-password")?.verifier).toBeDefined();
  });

  test("a flag that is handed in while a realm starts is kept", async () => {
    await joinClass(dir, await alicesKit());
    await beginFiles(dir, whoseTicket, NOW);
    const starting = beginRealm(dir, silverTicket, { scene: "lesson", told: () => {} });
    const handedIn = await handIn(dir, whoseTicket, flagOf(SEED, ALICE, "whose-ticket"), NOW);
    await (await starting).running.close();
    expect(handedIn.verdict).toBe("right");
    expect(await readScore(dir)).toMatchObject({ solved: 1 });
  });

  test("the score of a folder that is not there is that of somebody who has done nothing", async () => {
    expect(await readScore(join(dir, "none"))).toEqual(scoreOf(undefined));
    expect(scoreOf(undefined)).toMatchObject({ earned: 0, solved: 0, owner: undefined });
  });
});

describe("a folder that is not as it should be", () => {
  test.each([
    ["no JSON", "{", "the document: expected JSON"],
    ["a list", "[]", "the document: expected an object"],
    ["another version", '{"version": 2}', "version: expected 1"],
    ["no tag", '{"version": 1, "challenges": {}}', "tag: expected four letters and digits"],
    ["hints below nothing", bad('{"hints": -1, "wrong": 0}'), "challenges.x.hints: expected a count"],
    [
      "a hash that is none",
      bad('{"hints": 0, "wrong": 0, "verifier": {"salt": "00", "hash": "?"}}'),
      "verifier.hash",
    ],
    ["a time that is none", bad('{"hints": 0, "wrong": 0, "solvedAt": "noon"}'), "solvedAt: expected a time"],
    [
      "an owner without a name",
      '{"version":1,"tag":"0000","challenges":{},"owner":{"class":"4b"}}',
      "owner.student",
    ],
    [
      "inherited names",
      '{"version": 1, "tag": "0000", "challenges": {"__proto__": 3}}',
      "challenges.__proto__",
    ],
  ])("%s is named", (_, text, expected) => {
    const parse = () => parseProgress(Buffer.from(text), "f.json");
    expect(parse).toThrow(expect.objectContaining({ code: "bad-state", exitCode: 1 }));
    expect(parse).toThrow(expected);
    expect(parse).toThrow(/^f\.json: not the progress of challenges: /);
  });

  test("a file that others can read is refused by name", async () => {
    await beginFiles(dir, equalBlocks, NOW);
    const path = progressFile(dir);
    rmSync(path);
    writeFileSync(path, "{}", { mode: 0o644 });
    await expect(readScore(dir)).rejects.toMatchObject({ code: "unsafe" });
  });

  test("a class's folder without its kit says what to do", async () => {
    await joinClass(dir, await alicesKit());
    rmSync(join(dir, "kit.json"));
    const told = () => {};
    for (const begun of [
      () => beginFiles(dir, whoseTicket, NOW),
      () => beginRealm(dir, silverTicket, { scene: "lesson", told }),
    ])
      await expect(begun()).rejects.toMatchObject({
        code: "bad-kit",
        hint: expect.stringContaining("join KIT"),
      });
  });

  test("a kit that names a way out of the folder is refused", async () => {
    const text = Buffer.from(formatKit(await alicesKit())).toString();
    const parse = (changed: string) => () => parseKit(Buffer.from(changed), "alice.kit");
    expect(parse(text)).not.toThrow();
    for (const name of ["../v.keytab", "/etc/passwd", ".bashrc", "a/b"])
      expect(parse(text.replace("v.keytab", name))).toThrow(expect.objectContaining({ code: "bad-kit" }));
    expect(parse(text.slice(0, 400))).toThrow(/not a kit of challenges/);
  });

  test("another's progress is not overwritten", async () => {
    await joinClass(dir, await alicesKit());
    const bobs = await makeKit(SEED, { ...ALICE, student: "bob" }, NOW);
    await expect(joinClass(dir, bobs)).rejects.toMatchObject({ code: "exists" });
    await joinClass(dir, await alicesKit());
  });
});

describe("marking", () => {
  /** Alice's progress with one challenge solved, as she hands it in. */
  async function handedIn(flag: string) {
    await joinClass(dir, await alicesKit());
    await beginFiles(dir, whoseTicket, NOW);
    await nextHint(dir, whoseTicket);
    await handIn(dir, whoseTicket, flag, NOW);
    return JSON.parse(readFileSync(progressFile(dir), "utf8"));
  }
  const marks = (document: unknown, seed: Uint8Array = SEED, name = "4b") =>
    marksOf(seed, name, parseProgress(Buffer.from(JSON.stringify(document)), "x"));

  test("what the student's own flag proves is right", async () => {
    const document = await handedIn(flagOf(SEED, ALICE, "whose-ticket"));
    expect(marks(document)).toMatchObject({ owner: ALICE, isOurs: true, earned: 8 });
    expect(marks(document).marks).toMatchObject({ "whose-ticket": "right", "why-no-login": "open" });
  });

  test("what was edited, or is another's, is not proven", async () => {
    const document = await handedIn(flagOf(SEED, ALICE, "whose-ticket"));
    const entry = document.challenges["whose-ticket"];
    const changed = (change: object) => ({
      ...document,
      challenges: { "whose-ticket": { ...entry, ...change } },
    });
    for (const change of [{ hints: 0 }, { solvedAt: "2026-11-30T08:00:00.000Z" }, { receipt: undefined }])
      expect(marks(changed(change))).toMatchObject({ earned: 0, marks: { "whose-ticket": "unproven" } });
    const asBob = { ...document, owner: { class: "4b", student: "bob" } };
    expect(marks(asBob)).toMatchObject({ isOurs: false, earned: 0 });
    expect(marks(document, Buffer.from("the seed of another class"))).toMatchObject({
      isOurs: false,
      earned: 0,
    });
    expect(marks(document, SEED, "4c")).toMatchObject({ isOurs: false, earned: 0 });
    expect(marks({ ...document, owner: undefined })).toMatchObject({
      owner: undefined,
      isOurs: false,
      earned: 0,
    });
  });
});

function bad(challenge: string): string {
  return `{"version": 1, "tag": "0000", "challenges": {"x": ${challenge}}}`;
}
