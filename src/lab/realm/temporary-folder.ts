/** A folder that is gone when it is no longer needed, and at the latest when the process ends. */
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atTheEnd } from "../at-the-end.js";

/** A temporary folder. */
export interface TemporaryFolder {
  readonly path: string;
  /** Removes it with all that is in it. */
  remove(): void;
}

/** Makes a folder, with mode 0700, that is removed by `remove` or, at the latest, as `atTheEnd` says. */
export async function makeTemporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "tessera-"));
  const removeFiles = () => rmSync(path, { recursive: true, force: true });
  const takeBack = atTheEnd(removeFiles);
  const remove = () => {
    takeBack();
    removeFiles();
  };
  return { path, remove };
}
