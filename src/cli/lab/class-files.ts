/** The files of a teacher: the seed, the list of students, kits, and what students hand in. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { makeFolders } from "../../files/make-folders.js";
import { createPrivateFile, writeFileAtomically } from "../../files/private-file.js";
import { asPrivateFileError, PrivateFileError } from "../../files/private-file-error.js";
import { readPublicFile } from "../../files/public-file.js";
import { readSecret } from "../../files/secret-file.js";
import { formatKit, KIT_LIMIT, type Kit, makeKit, parseKit } from "../../lab/challenges/class-kit.js";
import type { Owner } from "../../lab/challenges/flag.js";
import { OWNER_NAME } from "../../lab/challenges/json-shape.js";
import { type Progress, parseProgress } from "../../lab/challenges/progress.js";
import { CommandError, UsageError } from "../frame/command.js";

const LIST_LIMIT = 256 * 1024;
/** The fewest bytes of a seed. */
const LEAST_SEED = 16;

/** Checks the name of a class or a student. Throws UsageError. */
export function checkOwnerName(name: string, what: string): void {
  if (!OWNER_NAME.test(name))
    throw new UsageError(
      `${what}: expected 1 to 32 letters, digits, dots, hyphens and underscores, got ${JSON.stringify(name)}`,
    );
}

/** The seed in a file. Throws PrivateFileError; CommandError for one that is too short. */
export async function readSeed(path: string): Promise<Uint8Array> {
  const seed = Buffer.from(
    Buffer.from(await readSecret(path, 4096))
      .toString("latin1")
      .trim(),
    "latin1",
  );
  if (seed.length < LEAST_SEED)
    throw new CommandError(
      `${path}: a seed has at least ${LEAST_SEED} bytes, this one ${seed.length}`,
      "remove it, and reset makes a good one",
      "bad-seed",
    );
  return seed;
}

/** The seed in a file, which is made if it is not there. Throws as `readSeed`. */
export async function readOrMakeSeed(path: string): Promise<{ seed: Uint8Array; isNew: boolean }> {
  try {
    return { seed: await readSeed(path), isNew: false };
  } catch (error) {
    if (!(error instanceof PrivateFileError && error.code === "missing")) throw error;
  }
  await createPrivateFile(path, Buffer.from(`${randomBytes(32).toString("base64url")}\n`));
  return { seed: await readSeed(path), isNew: true };
}

/** The names in a file, one a line. Throws PrivateFileError. */
export async function readStudents(path: string): Promise<string[]> {
  const lines = Buffer.from(await readGiven(path, LIST_LIMIT)).toString();
  return lines
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** Makes a student's kit and writes it; gives its path. Throws PrivateFileError. */
export async function writeKit(dir: string, seed: Uint8Array, owner: Owner, now: number): Promise<string> {
  const kit = await makeKit(seed, owner, now);
  await makeFolders(dir);
  const path = join(dir, `${owner.student}.kit`);
  await writeFileAtomically(path, formatKit(kit));
  return path;
}

/** Reads a kit. Throws PrivateFileError; ChallengeError `bad-kit`. */
export async function readKit(path: string): Promise<Kit> {
  return parseKit(await readGiven(path, KIT_LIMIT), path);
}

/** Reads a progress that somebody handed in. Throws PrivateFileError; ChallengeError `bad-state`. */
export async function readProgress(path: string): Promise<Progress> {
  return parseProgress(await readGiven(path, LIST_LIMIT), path);
}

async function readGiven(path: string, limit: number): Promise<Uint8Array> {
  try {
    return await readPublicFile(path, limit);
  } catch (error) {
    throw asPrivateFileError(error, path);
  }
}
