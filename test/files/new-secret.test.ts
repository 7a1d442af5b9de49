import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createSecretNow } from "../../src/files/new-secret.js";

function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "tessera-new-secret-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const bytes = new TextEncoder().encode("secret");

test("a file of mode 0600 appears, and nothing beside it", () => {
  const dir = newFolder();
  createSecretNow(join(dir, "f"), bytes);
  expect(readFileSync(join(dir, "f"), "utf8")).toBe("secret");
  expect(statSync(join(dir, "f")).mode & 0o777).toBe(0o600);
  expect(statSync(join(dir, "f")).nlink).toBe(1);
  expect(readdirSync(dir)).toEqual(["f"]);
});

test("what bears the name already stays, and nothing is left behind", () => {
  const dir = newFolder();
  writeFileSync(join(dir, "f"), "older");
  symlinkSync(join(dir, "nowhere"), join(dir, "link"));
  for (const name of ["f", "link"])
    expect(() => createSecretNow(join(dir, name), bytes)).toThrow(
      expect.objectContaining({ code: "exists" }),
    );
  expect(readFileSync(join(dir, "f"), "utf8")).toBe("older");
  expect(readdirSync(dir).toSorted()).toEqual(["f", "link"]);
});

test("a folder that is not there is not made", () => {
  const path = join(newFolder(), "none", "f");
  expect(() => createSecretNow(path, bytes)).toThrow(expect.objectContaining({ code: "missing", path }));
});

test("what the system refuses is told in words", () => {
  expect(() => createSecretNow("/proc/tessera", bytes)).toThrow(
    expect.objectContaining({ name: "PrivateFileError", path: "/proc/tessera" }),
  );
});
