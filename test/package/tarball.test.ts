/** The tarball holds what its pages point to and what its source maps name, and nothing that is only ours. */
import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { doors, packedFiles, ROOT } from "./tarball.js";

const files = packedFiles();
const there = new Set(files);
const folders = new Set(files.flatMap((file) => parents(file)));
const pages = files.filter((file) => file.endsWith(".md"));

function parents(file: string): string[] {
  const folder = posix.dirname(file);
  return folder === "." ? [] : [folder, ...parents(folder)];
}

function read(file: string): string {
  return readFileSync(ROOT + file, "utf8");
}

/** A path as a page names it, from the package's root; without anchor and closing slash. */
function target(page: string, link: string): string {
  return posix.join(posix.dirname(page), link.replace(/#.*/, "")).replace(/\/$/, "");
}

test("it holds the pages, the licence, the contract, the examples and the vectors", () => {
  for (const file of ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"])
    expect(there).toContain(file);
  for (const folder of [
    "docs",
    "dist/cli",
    "deploy/systemd",
    "examples/orders",
    "proto/kerberos/v1",
    "test/vectors/guard",
  ])
    expect(folders).toContain(folder);
});

test("it holds the modules and types of every door, and the command", () => {
  expect(doors().length).toBeGreaterThanOrEqual(4);
  for (const { module } of doors()) {
    expect(there).toContain(posix.normalize(module));
    expect(there).toContain(posix.normalize(module).replace(/\.js$/, ".d.ts"));
  }
  const { bin } = JSON.parse(read("package.json"));
  expect(there).toContain(posix.normalize(bin.tessera));
});

test("it holds the steps of PostgreSQL's tables, beside the library and beside the command", () => {
  const steps = readdirSync(`${ROOT}src/store/postgres/migrations`);
  for (const folder of ["dist/store/postgres", "dist/cli"])
    for (const step of steps) expect(there).toContain(`${folder}/migrations/${step}`);
});

test("it holds nothing that others have no use for", () => {
  const wanted = /^(?:dist|src|proto|deploy|docs|examples|test\/vectors)\/|^[A-Z]+(?:\.md)?$|^package\.json$/;
  expect(files.filter((file) => !wanted.test(file))).toEqual([]);
});

describe("what a page points to is in it:", () => {
  test.each(pages)("%s", (page) => {
    const text = read(page);
    const links = [...text.matchAll(/\]\((?![a-z]+:|#)([^)\s]+)\)/g)].map(([, link]) => target(page, link!));
    // Tests, benchmarks and tools are named as places in the repository; the rest is to be read beside the
    // page. (src/tests/ is MIT's.)
    const named = [
      ...text.matchAll(
        /`((?:src(?!\/tests\/)|deploy|docs|examples|proto|test\/vectors)\/[^`\s*…]*|[A-Z]+\.md)`/g,
      ),
    ].map(([, path]) => target("README.md", path!));
    expect([...links, ...named].filter((path) => !there.has(path) && !folders.has(path))).toEqual([]);
  });

  test("there are pages with links", () => {
    expect(pages.length).toBeGreaterThan(10);
    expect(read("README.md")).toMatch(/\]\(docs\//);
  });
});

test("its source maps name sources that it holds", () => {
  const maps = files.filter((file) => file.endsWith(".map"));
  expect(maps.length).toBeGreaterThan(200);
  const missing = maps.flatMap((map) =>
    (JSON.parse(read(map)).sources as string[])
      .map((source) => target(map, source))
      .filter((source) => !there.has(source)),
  );
  expect(missing).toEqual([]);
});
