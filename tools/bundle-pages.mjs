/**
 * Makes dist/lab/page: what the pages of src/lab/page run and look like, a script and a style sheet each,
 * with everything in them. Nothing of Node is there: a module that asks for it does not build.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const SOURCES = "src/lab/page";

/** @param out the folder to write into. */
export async function bundlePages(out = "dist/lab/page") {
  const entryPoints = Object.fromEntries(
    readdirSync(SOURCES)
      .filter((page) => existsSync(`${SOURCES}/${page}/main.tsx`))
      .flatMap((page) => [
        [page, `${SOURCES}/${page}/main.tsx`],
        [`${page}.style`, `${SOURCES}/${page}/main.css`],
      ]),
  );
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints,
    outdir: out,
    // Names in CSS and JS do not meet: page.js, page.style.css.
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: ["es2022", "chrome111", "firefox115", "safari16.4"],
    tsconfig: `${SOURCES}/tsconfig.json`,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
  const { version, license } = JSON.parse(readFileSync("node_modules/preact/package.json", "utf8"));
  const notice = readFileSync("node_modules/preact/LICENSE", "utf8");
  writeFileSync(`${out}/NOTICES.txt`, `The pages contain preact ${version}: ${license}\n\n${notice}`);
}
