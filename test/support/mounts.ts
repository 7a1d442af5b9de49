/**
 * Small disks of their own, for tests of full and read-only ones. They need root, and a system that lets it
 * mount.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether this system lets us mount. */
export const canMount = tryMount();

/** Runs `use` with a small disk on a folder, which is there for as long. @param size as `mount` takes it. */
export async function withSmallDisk(folder: string, use: () => Promise<void>, size = "16k"): Promise<void> {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]);
  try {
    await use();
  } finally {
    execFileSync("umount", [folder]);
  }
}

/** Makes the disk on a folder read-only. */
export function makeReadOnly(folder: string): void {
  execFileSync("mount", ["-o", "remount,ro", folder]);
}

function tryMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), "mount-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", folder]).status === 0;
  if (mounted) execFileSync("umount", [folder]);
  rmSync(folder, { recursive: true });
  return mounted;
}
