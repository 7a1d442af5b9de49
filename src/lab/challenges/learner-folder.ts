/** The files of a challenge, in a folder of its own below the learner's. */
import { join } from "node:path";
import { makeFolders } from "../../files/make-folders.js";
import { writeFileAtomically } from "../../files/private-file.js";
import type { ChallengeFiles } from "./challenge.js";

/** The folder of a challenge. */
export function folderOf(dir: string, challenge: string): string {
  return join(dir, challenge);
}

/**
 * Writes files, each with mode 0600, in place of any of the same name.
 * @returns their paths, in the order of the files.
 * @throws PrivateFileError.
 */
export async function writeChallengeFiles(
  dir: string,
  challenge: string,
  files: ChallengeFiles,
): Promise<string[]> {
  const folder = folderOf(dir, challenge);
  await makeFolders(folder);
  const paths: string[] = [];
  for (const [name, contents] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFileAtomically(path, typeof contents === "string" ? Buffer.from(contents) : contents);
    paths.push(path);
  }
  return paths;
}
