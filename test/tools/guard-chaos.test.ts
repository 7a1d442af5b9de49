/** The faults that are planted into the guard for `test/guard-chaos/planted.mjs`. No run is made here. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const url = (path: string) => new URL(`../../${path}`, import.meta.url);
const { FAULTS } = await import(url("test/guard-chaos/faults.mjs").href);

test.each(Object.entries(FAULTS as Record<string, { file: string; find: string; replace: string }>))(
  "%s has its one place in the code",
  (_, { file, find, replace }) => {
    expect(readFileSync(url(`dist/${file}`), "utf8").split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
  },
);
