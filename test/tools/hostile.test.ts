/** The faults that are planted for `test/hostile/planted.mjs`. No run is made here. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const url = (path: string) => new URL(`../../${path}`, import.meta.url);
const { FAULTS } = await import(url("test/hostile/faults.mjs").href);

interface Fault {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
}

test.each(Object.entries(FAULTS as Record<string, Fault>))(
  "%s has its one place in the code, and tests that look for it",
  (_, { file, find, replace, tests }) => {
    expect(readFileSync(url(`dist/${file}`), "utf8").split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
    expect(tests.every((path) => existsSync(url(path)))).toBe(true);
  },
);
