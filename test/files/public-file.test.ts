import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { readPublicFile } from "../../src/files/public-file.js";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "public-"));
  path = join(dir, "file");
  writeFileSync(path, "abc", { mode: 0o644 });
});
afterEach(() => rmSync(dir, { recursive: true }));

it("reads a file that anybody can read, and a descriptor", async () => {
  expect(Buffer.from(await readPublicFile(path)).toString()).toBe("abc");
  const fd = openSync(path, "r");
  onTestFinished(() => closeSync(fd));
  expect(Buffer.from(await readPublicFile(`/dev/fd/${fd}`)).toString()).toBe("abc");
});

it("reads no more than its limit", async () => {
  expect((await readPublicFile(path, 3)).length).toBe(3);
  await expect(readPublicFile(path, 2)).rejects.toMatchObject({ code: "too-large" });
});

it.runIf(existsSync("/dev/zero"))(
  "does not wait for a pipe without writer, nor for a device's end",
  async () => {
    execFileSync("mkfifo", [join(dir, "pipe")]);
    for (const name of [join(dir, "pipe"), "/dev/zero", dir])
      await expect(readPublicFile(name)).rejects.toMatchObject({
        code: "unavailable",
        message: `${name}: is not a regular file`,
      });
  },
);

it("lets the system say what else is wrong", async () => {
  await expect(readPublicFile(join(dir, "none"))).rejects.toMatchObject({ code: "ENOENT" });
});
