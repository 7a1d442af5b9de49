import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fileIdentity } from "../../src/files/file-identity.js";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "identity-"));
  path = join(dir, "file");
  writeFileSync(path, "one");
  // A change within one tick of the file system's clock is seen by its size or inode alone.
  utimesSync(path, 1, 1);
});
afterEach(() => rmSync(dir, { recursive: true }));

test("a file that nobody touched keeps its identity, with the time of its last change", () => {
  const identity = fileIdentity(path)!;
  expect(fileIdentity(path)).toEqual(identity);
  expect(identity.changedAt).toBe(Math.floor(statSync(path).ctimeMs));
});

describe("another identity comes of", () => {
  const changes: [string, () => void][] = [
    ["other contents of another length", () => appendFileSync(path, "more")],
    ["a time set", () => utimesSync(path, 2, 2)],
    ["a time set by a nanosecond's worth", () => utimesSync(path, 1.000001, 1.000001)],
    [
      "another file in its place",
      () => {
        writeFileSync(join(dir, "other"), "one");
        utimesSync(join(dir, "other"), 1, 1);
        renameSync(join(dir, "other"), path);
      },
    ],
    [
      "a symbolic link to the very file",
      () => {
        renameSync(path, join(dir, "target"));
        symlinkSync(join(dir, "target"), path);
      },
    ],
  ];
  test.each(changes)("%s", (_, change) => {
    const before = fileIdentity(path)!;
    change();
    expect(fileIdentity(path)!.text).not.toBe(before.text);
  });

  test("a mode that was changed, by the time of the change", async () => {
    const before = fileIdentity(path)!;
    // Until the file system's clock has moved on, which takes some milliseconds.
    await expect
      .poll(() => {
        chmodSync(path, 0o600);
        return fileIdentity(path)!.text;
      })
      .not.toBe(before.text);
  });
});

test("a file that is gone has none, and one that can't be looked at says why", () => {
  rmSync(path);
  expect(fileIdentity(path)).toBeUndefined();
  expect(() => fileIdentity(join(dir, "x".repeat(300)))).toThrow(/ENAMETOOLONG/);
});
