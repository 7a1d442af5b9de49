/** Plants a bug into a copy of the build. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The text of a bug's file with the bug in it.
 * @throws TypeError where the build has another text than the bug is for.
 */
export function planted({ name, file, changes }) {
  let text = readFileSync(join(ROOT, "dist", file), "utf8");
  for (const [find, put] of changes) {
    const found = text.split(find).length - 1;
    if (found !== 1) throw new TypeError(`${name}: ${file} has ${found} times ${JSON.stringify(find)}`);
    text = text.replace(find, () => put);
  }
  return text;
}

/**
 * Copies the build and plants a bug.
 * @returns the copy's folder, and what removes it. Throws as `planted`.
 */
export function plant(bug) {
  const text = planted(bug);
  const folder = mkdtempSync(join(tmpdir(), "tessera-bug-"));
  const dist = join(folder, "dist");
  cpSync(join(ROOT, "dist"), dist, { recursive: true, filter: (path) => !/\.(?:d\.ts|map)$/.test(path) });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(dist, bug.file), text);
  return { dist, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
