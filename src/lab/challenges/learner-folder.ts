/** The files of a challenge, in a folder of its own below the learner's. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { withLockedFile } from "../../files/locked-file.js";
import { makeFolders } from "../../files/make-folders.js";
import { requireOwn } from "../../files/privacy.js";
import { writeFileAtomically } from "../../files/private-file.js";
import { PrivateFileError } from "../../files/private-file-error.js";
import type { ChallengeFiles } from "./challenge.js";
import { ChallengeError } from "./challenge-error.js";

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

/**
 * Does something that only one process may do at a time with a challenge of this folder: run its realm, whose
 * files another would replace.
 * @throws ChallengeError `running` where another does; PrivateFileError; whatever `work` throws.
 */
export async function whileAlone<T>(dir: string, challenge: string, work: () => Promise<T>): Promise<T> {
  const path = join(folderOf(dir, challenge), "running");
  await makeFolders(folderOf(dir, challenge));
  await (await open(path, "a", 0o600)).close();
  let isOurs = false;
  try {
    return await withLockedFile(
      path,
      () => {
        isOurs = true;
        return work();
      },
      requireOwn,
      0,
    );
  } catch (error) {
    if (isOurs || !(error instanceof PrivateFileError) || error.code !== "busy") throw error;
    throw new ChallengeError("running", `${challenge}: its realm runs already, from ${dir}`, {
      hint: "end that one with Ctrl-C, or give another folder: --dir DIR",
    });
  }
}
