/**
 * What the README shows is what is there: code from the examples, commands that exist, links that lead
 * somewhere.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const readme = read("README.md");

/** The lines of a named region of a file, without their common indentation. */
function region(path: string, name: string): string {
  const lines = read(path).split("\n");
  const start = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  const end = lines.findIndex((line, i) => i > start && line.trim() === "// #endregion");
  if (start < 0 || end < 0) throw new Error(`${path} has no region ${name}`);
  const shown = lines.slice(start + 1, end);
  const indent = Math.min(...shown.filter((line) => line.trim()).map((line) => line.search(/\S/)));
  return shown.map((line) => line.slice(indent)).join("\n");
}

describe("code in the README and in docs/des.md is taken from the examples", () => {
  const text = readme + read("docs/des.md");
  const shown = [...text.matchAll(/<!-- from (\S+) (\S+) -->\n\n```[jt]s\n([\s\S]*?)\n```/g)];

  test("in the README all of it, in docs/des.md the first piece", () =>
    expect(shown).toHaveLength(readme.match(/```[jt]s\n/g)!.length + 1));
  test.each(shown.map(([, path, name, code]) => ({ path, name, code })))(
    "$path $name",
    ({ path, name, code }) => {
      expect(code).toBe(region(path!, name!));
    },
  );
});

test.each(["run", "test"])("the %s command stands alone in its block", (part) => {
  const found = readme.match(new RegExp(`<!-- ${part} -->\n\n\`\`\`sh\n(.*)\n\`\`\``));
  expect(found?.[1]).toMatch(/^npm ci && npm (run demo|test)$/);
});

test("every command in the README is one that tessera has", () => {
  const known = read("src/cli/frame/command-table.ts");
  const named = [
    ...readme.matchAll(/(?:npx |\$ )tessera ([a-z]+(?: (?:create|addprinc|ktadd|set-profile))?)/g),
  ];
  expect(named.length).toBeGreaterThan(5);
  for (const [, name] of named) expect(known, name).toContain(`"${name}"`);
});

const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/design.md", "docs/protocol.md"];
test.each(pages)("links of %s lead somewhere", (page) => {
  const links = [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link!);
  for (const link of links) expect(existsSync(join(root, dirname(page), link)), link).toBe(true);
});

test("every page and every folder of docs/ is named in the README's index", () => {
  const [, index = ""] = readme.split("## Read on");
  const named = [...index.matchAll(/\(docs\/([^/)]+)/g)].map(([, page]) => page);
  expect(readdirSync(join(root, "docs")).filter((page) => !named.includes(page))).toEqual([]);
});

test("files that the pages name in back-quotes exist", () => {
  for (const page of pages)
    for (const [, path] of read(page).matchAll(/`((?:src|test|docs|examples|bench|proto)\/[^`\s*…]+)`/g))
      expect(existsSync(join(root, path!)), `${page}: ${path}`).toBe(true);
});
