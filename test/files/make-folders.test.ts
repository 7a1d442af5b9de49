/**
 * Folders that are made, or can't be. The story: `mkdir` with `recursive` never came back from /proc, and
 * neither did `tessera realm create --dir /proc/x/y`.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeFolders } from "../../src/files/make-folders.js";
import { PrivateFileError } from "../../src/files/private-file-error.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "folders-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

it("makes what is missing, each folder for its owner alone, and leaves what is there", async () => {
  mkdirSync(join(dir, "there"), { mode: 0o755 });
  symlinkSync("there", join(dir, "link"));
  await makeFolders(join(dir, "link", "a", "b"));
  await makeFolders(join(dir, "link", "a", "b"));
  const modes = ["there", "there/a", "there/a/b"].map((name) => statSync(join(dir, name)).mode & 0o777);
  expect(modes).toEqual([0o755, 0o700, 0o700]);
});

it.each<[string, () => string, RegExp]>([
  ["below a file", () => "file/a/b", /\/file\/a\/b: the folder can't be made: .*\(ENOTDIR\)$/],
  ["in place of a file", () => "file", /\/file: the folder can't be made: something else bears its name$/],
  ["of too long a name", () => `${"x".repeat(300)}/a`, /x\/a: the folder can't be made: .*\(ENAMETOOLONG\)$/],
  ["below a link to itself", () => "loop/a", /\/loop\/a: the folder can't be made: .*\(ELOOP\)$/],
])("refuses a folder %s, by name", async (_, name, text) => {
  writeFileSync(join(dir, "file"), "");
  symlinkSync("loop", join(dir, "loop"));
  const error = await makeFolders(join(dir, name())).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(PrivateFileError);
  expect(error).toMatchObject({ code: "unavailable", message: expect.stringMatching(text) });
});

it.runIf(existsSync("/proc/self"))(
  "refuses a folder where the system takes none, and comes back",
  async () => {
    for (const path of ["/proc/tessera", "/proc/tessera/a/b"])
      await expect(makeFolders(path)).rejects.toMatchObject({
        code: "unavailable",
        message: "/proc/tessera: the folder can't be made: no such file or directory (ENOENT)",
      });
  },
);
