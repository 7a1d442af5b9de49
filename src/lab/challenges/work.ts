/**
 * What a learner does with a challenge: begins it, asks for a hint, hands in a flag. State is in a folder.
 */
import type { Challenge, FileChallenge, RealmChallenge, RunningChallenge, Stage } from "./challenge.js";
import { ChallengeError } from "./challenge-error.js";
import { type Kit, loadKit, saveKit } from "./class-kit.js";
import { fits, makeVerifier, randomFlag, readFlag, receiptOf, tagOf } from "./flag.js";
import { folderOf, writeChallengeFiles } from "./learner-folder.js";
import { changeChallenge, changeProgress, loadProgress, newProgress } from "./progress.js";
import { pointsAfter } from "./score.js";
import { unwrapFlag } from "./wrapped-flag.js";

/**
 * Makes a learner's folder one of a class.
 * @throws ChallengeError `exists` where the folder has another's progress; PrivateFileError.
 */
export async function joinClass(dir: string, kit: Kit): Promise<void> {
  await changeProgress(dir, (before = { owner: kit.owner, tag: kit.tag, challenges: new Map() }) => {
    if (before.tag === kit.tag) return before;
    throw new ChallengeError("exists", `${dir}: holds the progress of somebody else, or of another class`, {
      hint: "give another folder: --dir DIR",
    });
  });
  await saveKit(dir, kit);
}

/**
 * Begins a challenge of files: writes them into the learner's folder. In no class, each start makes a new
 * flag.
 * @param now milliseconds since the epoch.
 * @returns the files' paths.
 * @throws ChallengeError `bad-kit`, `bad-state`; PrivateFileError.
 */
export async function beginFiles(dir: string, challenge: FileChallenge, now: number): Promise<string[]> {
  const { progress, given, kit } = await openFolder(dir, challenge);
  if (kit !== undefined) {
    if (given?.files === undefined) throw lacksChallenge(challenge);
    await changeChallenge(dir, challenge.name, () => ({ verifier: given.verifier }));
    return writeChallengeFiles(dir, challenge.name, Object.fromEntries(given.files));
  }
  const flag = randomFlag(progress.tag);
  const files = await challenge.make(flag, now);
  const verifier = await makeVerifier(flag);
  await changeChallenge(dir, challenge.name, () => ({ verifier }));
  return writeChallengeFiles(dir, challenge.name, files);
}

/** A realm that was started for a challenge. */
export interface BegunRealm {
  readonly running: RunningChallenge;
  /** The paths of the files that were written. */
  readonly paths: readonly string[];
}

/**
 * Begins a challenge with a realm: starts it and writes what the learner is given. In no class, each start
 * makes a new flag, which only the running realm knows; in scene `standard` there is none to be had.
 * @throws ChallengeError `bad-kit`, `bad-state`; PrivateFileError.
 */
export async function beginRealm(
  dir: string,
  challenge: RealmChallenge,
  { scene, told }: Pick<Stage, "scene" | "told">,
): Promise<BegunRealm> {
  const { progress, given, kit } = await openFolder(dir, challenge);
  const flag =
    kit === undefined
      ? randomFlag(progress.tag)
      : unwrapFlag(given?.wrapped ?? new Uint8Array(), challenge.name);
  if (flag === undefined) throw lacksChallenge(challenge);
  const put = async (name: string, contents: string | Uint8Array) => {
    await writeChallengeFiles(dir, challenge.name, { [name]: contents });
  };
  const folder = folderOf(dir, challenge.name);
  const stage = { scene, told, folder, put, flag: scene === "standard" ? NO_FLAG : flag };
  const running = await challenge.start(stage);
  try {
    if (scene !== "standard") {
      const verifier = given?.verifier ?? (await makeVerifier(flag));
      await changeChallenge(dir, challenge.name, () => ({ verifier }));
    }
    return { running, paths: await writeChallengeFiles(dir, challenge.name, running.files) };
  } catch (error) {
    await running.close();
    throw error;
  }
}

/** What stands in the flag's place where it is not to be had. */
export const NO_FLAG = "no flag: in this scene nobody should get here";

/** A hint that was shown. */
export interface ShownHint {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  readonly of: number;
  /** Whether it counts: not for a solved challenge. */
  readonly counts: boolean;
}

/** Shows the next hint, and counts it; undefined: there are no more. Throws as `loadProgress`. */
export async function nextHint(dir: string, challenge: Challenge): Promise<ShownHint | undefined> {
  let shown: ShownHint | undefined;
  await changeChallenge(dir, challenge.name, ({ hints, solvedAt }) => {
    const text = challenge.hints[hints];
    if (text === undefined) return {};
    const counts = solvedAt === undefined;
    shown = { text, number: hints + 1, of: challenge.hints.length, counts };
    return counts ? { hints: hints + 1 } : {};
  });
  return shown;
}

/** What became of a flag that was handed in. */
export type HandedIn =
  | { readonly verdict: "right"; readonly points: number; readonly solvedAt: string; readonly again: boolean }
  /** Not the form of a flag: not counted. */
  | { readonly verdict: "not-a-flag" }
  /** A flag of another learner, or of another class. */
  | { readonly verdict: "foreign" }
  | { readonly verdict: "wrong" };

/**
 * Hands in a flag.
 * @param now milliseconds since the epoch.
 * @throws ChallengeError `not-started`, `bad-state`; PrivateFileError.
 */
export async function handIn(
  dir: string,
  challenge: Challenge,
  typed: string,
  now: number,
): Promise<HandedIn> {
  const progress = await loadProgress(dir);
  const done = progress?.challenges.get(challenge.name);
  if (progress === undefined || done?.verifier === undefined)
    throw new ChallengeError("not-started", `${challenge.name}: not started in ${dir}`, {
      hint: `tessera challenge start ${challenge.name}, with the same --dir`,
    });
  const flag = readFlag(typed);
  if (flag === undefined) return { verdict: "not-a-flag" };
  const verdict =
    tagOf(flag) !== progress.tag ? "foreign" : (await fits(flag, done.verifier)) ? "right" : "wrong";
  let handedIn: HandedIn = { verdict: "wrong" };
  await changeChallenge(dir, challenge.name, ({ hints, wrong, solvedAt: before }) => {
    if (verdict !== "right") {
      handedIn = { verdict };
      return { wrong: wrong + 1 };
    }
    const solvedAt = before ?? new Date(now).toISOString();
    const points = pointsAfter(challenge.points, hints);
    handedIn = { verdict, points, solvedAt, again: before !== undefined };
    return before === undefined ? { solvedAt, receipt: receiptOf(flag, solvedAt, hints) } : {};
  });
  return handedIn;
}

async function openFolder(dir: string, challenge: Challenge) {
  const progress = await changeProgress(dir, (before = newProgress()) => before);
  const kit = progress.owner === undefined ? undefined : await loadKit(dir);
  if (progress.owner !== undefined && kit === undefined)
    throw new ChallengeError("bad-kit", `${dir}: the kit of the class is gone`, {
      hint: "tessera challenge join KIT, with the same --dir",
    });
  return { progress, kit, given: kit?.challenges.get(challenge.name) };
}

function lacksChallenge({ name }: Challenge): ChallengeError {
  return new ChallengeError("bad-kit", `the kit of the class has no ${name}`, {
    hint: "it was made by another version: have your teacher make it again",
  });
}
