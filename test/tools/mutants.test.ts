/** What `npm run mutants` counts, excuses and draws. Stryker itself is not run here. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const load = (name: string) => import(new URL(`../../tools/mutants/${name}.mjs`, import.meta.url).href);
const { judge, outdated } = await load("score");
const { drawPlaces, placeOf } = await load("sample");
const { nameOf } = await load("survivors");

const name = (to: string) => ({ file: "src/a.ts", line: "if (a > b) {", from: "a > b", to });
const tried = (status: string, to: string) => ({ status, name: name(to) });

describe("the score", () => {
  test("counts a failed test and an endless run as noticed, and code that no test runs as a survivor", () => {
    const mutants = ["Killed", "Timeout", "Survived", "NoCoverage"].map((status) => tried(status, status));
    expect(judge(mutants, [])).toMatchObject({ noticed: 2, timedOut: 1, excused: 0, score: 50 });
  });

  test("leaves out what was not tried or could not run", () => {
    const mutants = ["Killed", "RuntimeError", "CompileError", "Ignored"].map((status) => tried(status, ""));
    expect(judge(mutants, [])).toMatchObject({ noticed: 1, survivors: [], leftOut: 3, score: 100 });
  });

  test("excuses one survivor for each entry that names it exactly", () => {
    const mutants = [tried("Killed", "true"), tried("Survived", "a >= b"), tried("Survived", "a >= b")];
    expect(judge(mutants, [name("a >= b")])).toMatchObject({ excused: 1, score: 50 });
    expect(judge(mutants, [name("a >= b"), name("a >= b")])).toMatchObject({ excused: 2, score: 100 });
    for (const other of [{ to: "false" }, { from: "a >b" }, { line: "if (a > b)" }, { file: "src/b.ts" }])
      expect(judge(mutants, [{ ...name("a >= b"), ...other }])).toMatchObject({ excused: 0 });
  });

  test("an entry that names no mutant is out of date", () => {
    const entries = [name("true"), name("true"), name("false")];
    expect(outdated(entries, [name("true"), name("false"), name("a >= b")])).toEqual([name("true")]);
  });
});

test("a mutant is named by its line, the code it replaces and the code in its place", () => {
  const source = "let x;\n  if (a > b) {\n    f();\n  }\n";
  const location = { start: { line: 2, column: 7 }, end: { line: 2, column: 12 } };
  expect(nameOf({ fileName: "src/a.ts", location, replacement: "a >= b" }, source)).toEqual(name("a >= b"));
  const block = { start: { line: 2, column: 14 }, end: { line: 4, column: 4 } };
  expect(nameOf({ fileName: "src/a.ts", location: block, replacement: "{}" }, source)).toMatchObject({
    line: "if (a > b) {",
    from: "{\n    f();\n  }",
  });
});

describe("a sample", () => {
  /** A function's body on lines 1 to 99, and a mutant on each line of it. */
  const at = (startLine: number, endLine: number) => ({
    fileName: "src/a.ts",
    location: { start: { line: startLine, column: 1 }, end: { line: endLine, column: 9 } },
  });
  const body = at(1, 99);
  const lines = Array.from({ length: 99 }, (_, i) => at(i + 1, i + 1));

  test("is the same for the same seed, and another for another", () => {
    const draw = (seed: number) => drawPlaces([body, ...lines], 10, seed);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(new Set(draw(7)).size).toBe(10);
  });

  test("does not draw what would bring half a file along", () => {
    const drawn = drawPlaces([body, ...lines], 1000, 1);
    expect(drawn).toHaveLength(99);
    expect(drawn).not.toContain(placeOf(body));
  });

  test("counts the mutants that a place holds", () => {
    const pair = at(200, 201);
    const drawn = drawPlaces([pair, at(200, 200), at(201, 201)], 2, 3);
    expect(drawn.length).toBeLessThanOrEqual(2);
  });

  test("names places as Stryker reads them, with columns from 0", () => {
    expect(placeOf(at(3, 4))).toBe("src/a.ts:3:0-4:8");
  });
});

test("every listed survivor stands in the source as it is listed", () => {
  const folder = "tools/mutants/survivors";
  for (const file of readdirSync(folder))
    for (const { line, from, why, ...entry } of JSON.parse(readFileSync(`${folder}/${file}`, "utf8"))) {
      const source = readFileSync(entry.file, "utf8");
      const lines = source.split("\n").map((one) => one.trim());
      expect([lines.includes(line), source.includes(from)], `${file}: ${line}`).toEqual([true, true]);
      expect(why, `${file}: ${line}`).toMatch(/\w .*\w\.$/);
    }
});

test.each([
  [[], "no such room: none given"],
  [["des"], "no such room: des"],
  [["crypto", "formats"], "one room at a time"],
  [["crypto", "--sample", "0"], "--sample takes a number from 1, not 0"],
  [["crypto", "--sample", "x"], "--sample takes a number from 1, not x"],
  [["crypto", "--no"], "--no"],
])("`mutants %j` is wrong usage", async (args, said) => {
  const run = promisify(execFile)(process.execPath, ["tools/mutants/main.mjs", ...args]);
  await expect(run).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
});
