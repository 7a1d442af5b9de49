/** What the pages are made of: nothing of Node. */
import { readdirSync } from "node:fs";
import { build } from "esbuild";
import { expect, test } from "vitest";

const SOURCES = "src/lab/page";
const PAGES = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith("main.tsx"),
);

test.each(PAGES)("%s is made of pages, DES and Preact alone", async (page) => {
  const { metafile } = await build({
    entryPoints: [`${SOURCES}/${page}`],
    bundle: true,
    write: false,
    metafile: true,
    platform: "browser",
    tsconfig: `${SOURCES}/tsconfig.json`,
    logLevel: "silent",
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toContain(`${SOURCES}/${page}`);
  expect(inputs.filter((path) => !/^(?:src\/lab\/page|src\/des|node_modules\/preact)\//.test(path))).toEqual(
    [],
  );
  expect(Object.values(metafile.inputs).flatMap(({ imports }) => imports.filter((i) => i.external))).toEqual(
    [],
  );
});

test("a page that asks for something of Node does not build", async () => {
  const contents = 'import { readFileSync } from "node:fs";\nreadFileSync("x");';
  const built = build({
    stdin: { contents, resolveDir: SOURCES },
    bundle: true,
    write: false,
    platform: "browser",
    logLevel: "silent",
  });
  await expect(built).rejects.toThrow("node:fs");
});
