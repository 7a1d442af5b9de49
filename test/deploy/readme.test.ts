import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const FOLDER = new URL("../../deploy/", import.meta.url);

test("deploy/README.md has a row for each folder", () => {
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const rows = [...readFileSync(new URL("README.md", FOLDER), "utf8").matchAll(/^\| \[(\w+)\]\(\1\) \|/gm)];
  expect(rows.map(([, name]) => name).sort()).toEqual(folders.map(({ name }) => name).sort());
});
