/**
 * A stranger's program, compiled and run against the packed tarball: examples/realm, which has the public
 * doors alone. The tarball is unpacked beside links to the dependencies that are here; nothing is fetched.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT, unpack } from "../package/tarball.js";

const dir = mkdtempSync(join(tmpdir(), "tessera-program-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: dir, encoding: "utf8" });
}

/**
 * A folder of a user's: the package unpacked under its own name, its dependencies and the types of Node
 * beside it.
 */
beforeAll(() => {
  unpack(dir);
  copyFileSync(join(ROOT, "examples/realm/realm.ts"), join(dir, "realm.ts"));
  writeFileSync(join(dir, "package.json"), JSON.stringify({ type: "module", private: true }));
  const compilerOptions = { module: "nodenext", target: "es2023", strict: true, types: ["node"] };
  writeFileSync(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["realm.ts"] }));
}, 60_000);

test("it compiles, and every type it meets is declared", () => {
  run(process.execPath, join(ROOT, "node_modules/typescript/bin/tsc"));
  expect(readdirSync(dir)).toContain("realm.js");
});

test("it runs a realm and logs in by password and with a keytab", () => {
  expect(run(process.execPath, "realm.js", join(dir, "made"))).toBe(
    "alice@EXAMPLE.ORG calls v/localhost@EXAMPLE.ORG\n" +
      "backup/db.example.test@EXAMPLE.ORG calls v/localhost@EXAMPLE.ORG\n",
  );
  expect(readdirSync(join(dir, "made"))).toEqual(["backup.keytab", "realm"]);
});
