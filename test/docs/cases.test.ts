/** docs/cases.md names tests: they must be there. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const ROOT = new URL("../../", import.meta.url);
const rows = readFileSync(new URL("docs/cases.md", ROOT), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
  .slice(1);

test.each(rows)("%# is held by tests that are there", (row) => {
  const held = row.split("|").at(-2) ?? "";
  const tests = [...held.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
  expect(tests.length).toBeGreaterThan(0);
  for (const name of tests) expect(existsSync(new URL(name, ROOT)), name).toBe(true);
});
