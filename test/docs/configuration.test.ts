/**
 * docs/cli.md has every key of tessera.toml in its table, and an example of all of them that holds no fault.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONFIG_KEYS } from "../../src/cli/config/keys.js";
import { readText } from "../../src/cli/config/read.js";

const page = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
const example = /```toml\n(# \/etc\/tessera\/tessera\.toml\n.*?)```/s.exec(page)![1]!;

test("the example holds no fault, and every key", () => {
  const { entries, faults } = readText(example, "/etc/tessera/tessera.toml");
  expect(faults).toEqual([]);
  const shown = new Set(entries.map(({ key }) => key));
  const missing = CONFIG_KEYS.filter((key) => !shown.has(key)).map(
    ({ section, name }) => `${section}.${name}`,
  );
  // KDCs are named, or asked of DNS.
  expect(missing).toEqual([]);
});

test.each(CONFIG_KEYS)("the table has $section.$name with its option and its variable", (key) => {
  const { section, name, flag, variable } = key;
  const option = flag === undefined ? "" : `\`${flag}\``;
  const row = `| \`${section}.${name}\` | ${option} | \`${variable}\` |`.replace("|  |", "| |");
  expect(page, `docs/cli.md, "tessera.toml", lacks the line ${row}`).toContain(row);
});
