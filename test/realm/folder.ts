/** Folders of their own for these tests, removed when they end. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new empty folder, removed at the end of the test. */
export function newFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), "tessera-realm-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A folder in it. */
export function folderIn(parent: string, name: string, mode = 0o700): string {
  const dir = join(parent, name);
  mkdirSync(dir, { mode });
  return dir;
}
