/** docs/security.md and SECURITY.md: what they name as shown is there, and no row of a table lacks a part. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../package/tarball.js";

describe.each(["docs/security.md", "SECURITY.md"])("%s", (name) => {
  const page = readFileSync(join(ROOT, name), "utf8");

  test("names tests that exist, and scripts that package.json has", () => {
    const named = [...page.matchAll(/`(?:node )?((?:test|bench|examples)\/[\w./-]*)`/g)].map(
      ([, path]) => path!,
    );
    expect(named.length).toBeGreaterThan(10);
    for (const path of named) expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const [, script] of page.matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty([script!]);
  });

  test("quotes titles that the tests have", () => {
    for (const [, path, title] of page.matchAll(/`(test\/[\w./-]+\.ts)`, "([^"]+)"/g))
      expect([path, readFileSync(join(ROOT, path!), "utf8")]).toEqual([
        path,
        expect.stringContaining(title!),
      ]);
  });

  test("has rows with an attack, a defence, what shows it and a limit", () => {
    const tables = page.split(/\n\n/).filter((block) => block.startsWith("| "));
    expect(tables.length).toBeGreaterThan(0);
    for (const table of tables) {
      const [head, , ...rows] = table.trim().split("\n").map(cells);
      for (const row of rows) {
        expect([row[0], row.length]).toEqual([row[0], head!.length]);
        expect(row).not.toContain("");
      }
    }
  });
});

function cells(line: string): string[] {
  return line
    .slice(1, line.lastIndexOf("|"))
    .split("|")
    .map((cell) => cell.trim());
}
