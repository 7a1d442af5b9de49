/**
 * The examples that have a package.json of their own, run as their users run them: each beside the packages
 * that it names, with this one unpacked from its tarball.
 */
import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packInto, ROOT } from "../test/package/tarball.js";
import { folderOf, frameworkExamples, isInstalled } from "../tools/example-packages.mjs";

const run = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), "tessera-examples-"));
let tarball: string;

beforeAll(() => {
  if (frameworkExamples().some(isInstalled)) tarball = packInto(dir);
}, 60_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Puts the example, as it is now, beside its packages; returns the folder. */
function layOut(example: string): string {
  const folder = folderOf(example);
  const kept = new Set(["node_modules", "installed.json"]);
  for (const entry of readdirSync(folder))
    if (!kept.has(entry)) rmSync(join(folder, entry), { recursive: true });
  const source = join(ROOT, "examples", example);
  const filter = (path: string) => !/[\\/](?:node_modules|dist)$/.test(path);
  cpSync(source, folder, { recursive: true, filter });
  const own = join(folder, "node_modules/tessera-sso");
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own);
  execFileSync("tar", ["-xzf", tarball, "--strip-components=1", "-C", own]);
  return folder;
}

describe.each(frameworkExamples())("examples/%s", (example) => {
  test.skipIf(!isInstalled(example))(
    `${example} compiles, and its tests pass`,
    async () => {
      const cwd = layOut(example);
      const compiled = existsSync(join(cwd, "tsconfig.json"));
      if (compiled) await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc")], { cwd });
      const spec = compiled ? "dist/notes.spec.js" : "notes.spec.js";
      const words = ["--test", "--test-timeout=20000", "--test-reporter=tap", spec];
      // Its output says what failed, and is thrown beside the exit code.
      const { stdout } = await run(process.execPath, words, { cwd }).catch((failure) => failure);
      expect(stdout.match(/^not ok .*|^ +error: .*/gm) ?? []).toEqual([]);
      expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThanOrEqual(5);
    },
    60_000,
  );
});
