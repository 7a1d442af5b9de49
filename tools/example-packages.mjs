/**
 * The packages of the examples that have a package.json of their own: other frameworks, with the guard in
 * them. `node tools/example-packages.mjs` installs them, once, each into a folder under node_modules/.cache;
 * what can't be had is named, and its test is skipped.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const INSTALLED = "installed.json";

/** The examples' names. */
export function frameworkExamples() {
  return readdirSync(join(ROOT, "examples")).filter((name) =>
    existsSync(join(ROOT, "examples", name, "package.json")),
  );
}

/** Where an example's packages are, and where it is built and run. */
export function folderOf(example) {
  return join(ROOT, "node_modules/.cache/examples", example);
}

/** Whether the packages that an example names now are there. */
export function isInstalled(example) {
  const path = join(folderOf(example), INSTALLED);
  return existsSync(path) && readFileSync(path, "utf8") === manifestOf(example);
}

/**
 * What npm is to install: the example's packages, and ours in place of this one. The compiler is ours too.
 */
function manifestOf(example) {
  const read = (path) => JSON.parse(readFileSync(join(ROOT, path), "utf8"));
  const own = read(`examples/${example}/package.json`);
  const { dependencies: ours, overrides } = read("package.json");
  const generators = ["typescript", "ts-proto", "@bufbuild/buf", "@bufbuild/protoc-gen-es"];
  const dependencies = { ...ours, ...own.devDependencies, ...own.dependencies };
  for (const name of ["tessera-sso", ...generators]) delete dependencies[name];
  return JSON.stringify({ private: true, type: "module", dependencies, overrides });
}

function install(example) {
  const folder = folderOf(example);
  const manifest = manifestOf(example);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), manifest);
  const words = ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--silent"];
  execFileSync("npm", words, { cwd: folder, stdio: "ignore" });
  writeFileSync(join(folder, INSTALLED), manifest);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const example of frameworkExamples()) {
    if (isInstalled(example)) continue;
    try {
      install(example);
    } catch {
      console.log(`examples/${example}: its packages cannot be had here; its test is skipped`);
    }
  }
