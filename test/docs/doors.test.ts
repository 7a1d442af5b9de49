/**
 * Each door's page of the API documentation begins with an example, which `examples/doors` compiles and runs.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { doors, ROOT } from "../package/tarball.js";

const run = readFileSync(`${ROOT}examples/doors/doors.test.ts`, "utf8");
const documented = readFileSync(`${ROOT}tools/docs/typedoc.mjs`, "utf8");

test.each(doors())("$name has a page with an example that runs", ({ name, module }) => {
  const door = basename(name);
  const source = module.replace("./dist/", "src/").replace(/\.js$/, ".ts");
  const header = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(ROOT + source, "utf8"))?.[1];
  expect(header).toContain(`@module ${door}\n`);
  expect(header).toContain(`{@includeCode ../../examples/doors/${door}.ts}`);
  expect(existsSync(`${ROOT}examples/doors/${door}.ts`)).toBe(true);
  expect(run).toContain(`from "./${door}.js"`);
  const [, room] = /^src\/([a-z-]+)\/index\.ts$/.exec(source) ?? [];
  expect(documented).toContain(`"${room}"`);
});
