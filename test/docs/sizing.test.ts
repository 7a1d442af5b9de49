/**
 * docs/sizing.md: its results are what its formulae make of its figures, and its figures are what they say.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { InProcess } from "../cli/in-process.js";
import { ROOT } from "../package/tarball.js";

const page = readFileSync(join(ROOT, "docs/sizing.md"), "utf8");
const speed = readFileSync(join(ROOT, "docs/speed.md"), "utf8");

/** The names and values of the page's two tables. */
const given = new Map(
  [...page.matchAll(/^\| `(\w+)` \| ([\d.]+) \| [^|]+ \|$/gm)].map(([, name, value]) => [
    name!,
    Number(value),
  ]),
);

const [, formulae = ""] = /<!-- formulae -->\n\n```text\n([\s\S]*?)```/.exec(page) ?? [];

/** Everything that follows for so many users. */
function results(users: number): Map<string, number> {
  const known = new Map([...given, ["users", users] as const]);
  for (const line of formulae.trim().split("\n")) {
    const [name, expression] = line.split(/ += /) as [string, string];
    if (!/^[\w .,*/+()-]+$/.test(expression)) throw new Error(`not arithmetic: ${line}`);
    const compute = new Function("max", "min", "ceil", ...known.keys(), `return ${expression}`);
    known.set(name, compute(Math.max, Math.min, Math.ceil, ...known.values()));
  }
  return known;
}

const three = (value: number) => String(Number(value.toPrecision(3)));

test("the page has figures, assumptions and formulae", () => {
  expect(given.size).toBe(16);
  expect(formulae.trim().split("\n")).toHaveLength(15);
});

test("its results are those of the formulae, to three digits", () => {
  const [, table = ""] = page.split("<!-- results -->");
  const [head, , ...rows] = table.trim().split("\n\n")[0]!.split("\n");
  const scenarios = [...head!.matchAll(/(\d+) users/g)].map(([, users]) => results(Number(users)));
  const expected = rows.map((row) => {
    const [, name] = /^\| `(\w+)` \|/.exec(row)!;
    return `| \`${name}\` | ${scenarios.map((all) => three(all.get(name!)!)).join(" | ")} |`;
  });
  expect(scenarios).toHaveLength(3);
  expect(rows).toEqual(expected);
});

test("what it takes from docs/speed.md stands there", () => {
  const [, after = ""] = speed.split("| AS, 32 connections, one in flight each |");
  const [as, tgs] = after.split("\n");
  expect(as).toMatch(new RegExp(`^ ${given.get("as")} \\|`));
  expect(tgs).toMatch(new RegExp(`^\\| TGS \\| ${given.get("tgs")} \\|`));
  const kept = /keeps (\d+)\s+MiB of decoded\s+principals, some ([\d,]+)/.exec(speed)!;
  expect(Math.round((Number(kept[1]) * 1048576) / Number(kept[2]!.replace(",", "")))).toBe(given.get("kept"));
});

describe("what a principal takes", () => {
  test("in LMDB and in a dump is what the page says, within a fifth", async () => {
    const shell = new InProcess();
    const count = 2_000;
    const rows = Array.from({ length: count }, (_, i) => `user${i}/host${i % 100}\n`).join("");
    await shell.run("realm create --profile standard");
    expect(await shell.run("kadmin addprinc --from -", `principal\n${rows}`)).toMatchObject({ code: 0 });
    await shell.run("realm dump ./realm.dump");
    const each = (name: string) => statSync(shell.file(name)).size / count;
    for (const [name, file] of [
      ["dumpBytes", "realm.dump"],
      ["lmdbBytes", "realm/principals/data.mdb"],
    ] as const)
      expect(Math.abs(each(file) / given.get(name)! - 1), file).toBeLessThan(0.2);
    shell.remove();
  }, 60_000);
});
