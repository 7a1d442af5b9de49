/**
 * What a learner has done: `challenges.json` in the learner's folder, mode 0600. It holds no flag and no
 * seed.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { withLockedFile } from "../../files/locked-file.js";
import { makeFolders } from "../../files/make-folders.js";
import { readPrivateFile, writeFileAtomically } from "../../files/private-file.js";
import { PrivateFileError } from "../../files/private-file-error.js";
import { ChallengeError } from "./challenge-error.js";
import { type Owner, randomTag, type Verifier } from "./flag.js";
import { OWNER_NAME, type Place, readJson, readVerifier, ShapeError, TAG, TIME } from "./json-shape.js";

/** What was done at one challenge. */
export interface ChallengeProgress {
  /** What its flag is compared with; undefined: not started. */
  readonly verifier?: Verifier | undefined;
  /** How many hints were shown. */
  readonly hints: number;
  /** How many flags were wrong. */
  readonly wrong: number;
  /** When the flag was handed in, as ISO 8601; undefined: not yet. */
  readonly solvedAt?: string | undefined;
  /** What proves to the teacher that the flag was known (`receiptOf`). */
  readonly receipt?: string | undefined;
}

/** What was done at all challenges. */
export interface Progress {
  /** Undefined for who learns alone. */
  readonly owner?: Owner | undefined;
  /** The tag in this learner's flags. */
  readonly tag: string;
  readonly challenges: ReadonlyMap<string, ChallengeProgress>;
}

/** Where nothing was done yet. */
export const UNTOUCHED: ChallengeProgress = { hints: 0, wrong: 0 };

/** The file in a learner's folder. */
export function progressFile(dir: string): string {
  return join(dir, "challenges.json");
}

/** The progress of somebody who begins alone. */
export function newProgress(): Progress {
  return { tag: randomTag(), challenges: new Map() };
}

/**
 * Reads a learner's progress; undefined: there is none yet.
 * @throws ChallengeError `bad-state`, naming what is wrong; PrivateFileError for a file that others could
 *   have read or written.
 */
export async function loadProgress(dir: string): Promise<Progress | undefined> {
  const path = progressFile(dir);
  try {
    return parseProgress(await readPrivateFile(path, 1024 * 1024), path);
  } catch (error) {
    if (error instanceof PrivateFileError && error.code === "missing") return undefined;
    throw error;
  }
}

/** Reads the contents of such a file. Throws ChallengeError `bad-state`. */
export function parseProgress(bytes: Uint8Array, path: string): Progress {
  try {
    return readJson(bytes, readProgress);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ChallengeError("bad-state", `${path}: not the progress of challenges: ${error.message}`, {
      hint: "put back a copy of it, or remove it to begin anew",
    });
  }
}

/**
 * Changes a learner's progress; makes it, and the folder, if need be. No other process changes it meanwhile:
 * a flag may be handed in while a realm starts.
 * @returns the progress as it is then.
 * @throws whatever `change` does; as `loadProgress`.
 */
export async function changeProgress(
  dir: string,
  change: (before: Progress | undefined) => Progress,
): Promise<Progress> {
  await makeFolders(dir);
  const lock = join(dir, "challenges.lock");
  await (await open(lock, "a", 0o600)).close();
  return withLockedFile(lock, async () => {
    const before = await loadProgress(dir);
    const after = change(before);
    if (after !== before) await saveProgress(dir, after);
    return after;
  });
}

/** Changes a learner's progress at one challenge. Throws as `changeProgress`. */
export async function changeChallenge(
  dir: string,
  name: string,
  change: (before: ChallengeProgress) => Partial<ChallengeProgress>,
): Promise<void> {
  await changeProgress(dir, (progress = newProgress()) => {
    const before = progress.challenges.get(name) ?? UNTOUCHED;
    return {
      ...progress,
      challenges: new Map(progress.challenges).set(name, { ...before, ...change(before) }),
    };
  });
}

/** Writes the whole of it in one step. */
async function saveProgress(dir: string, { owner, tag, challenges }: Progress): Promise<void> {
  const document = { version: 1, owner, tag, challenges: Object.fromEntries(challenges) };
  await writeFileAtomically(progressFile(dir), Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`));
}

function readProgress(document: Place): Progress {
  document.at("version").is(1);
  const owner = document.at("owner");
  const challenges = document.at("challenges");
  return {
    owner: owner.isAbsent ? undefined : readOwner(owner),
    tag: document.at("tag").text(TAG, "four letters and digits"),
    challenges: new Map(challenges.names().map((name) => [name, readChallenge(challenges.at(name))])),
  };
}

/** Reads whose flags. */
export function readOwner(place: Place): Owner {
  const nameOf = (field: "class" | "student") => place.at(field).text(OWNER_NAME, "a name");
  return { class: nameOf("class"), student: nameOf("student") };
}

function readChallenge(place: Place): ChallengeProgress {
  const verifier = place.at("verifier");
  const solvedAt = place.at("solvedAt");
  const receipt = place.at("receipt");
  return {
    ...(!verifier.isAbsent && { verifier: readVerifier(verifier) }),
    hints: place.at("hints").count(),
    wrong: place.at("wrong").count(),
    ...(!solvedAt.isAbsent && { solvedAt: solvedAt.text(TIME, "a time") }),
    ...(!receipt.isAbsent && { receipt: receipt.text(/^[0-9a-f]{64}$/, "64 hex digits") }),
  };
}
