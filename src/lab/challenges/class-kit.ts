/**
 * What a teacher makes for each student: a kit with everything that the student's machine needs and the seed
 * is not needed for. Challenges of files come ready made, their flags sealed in them.
 */
import { join } from "node:path";
import { readPrivateFile, writeFileAtomically } from "../../files/private-file.js";
import { PrivateFileError } from "../../files/private-file-error.js";
import type { ChallengeFiles } from "./challenge.js";
import { ChallengeError } from "./challenge-error.js";
import { CHALLENGES } from "./challenge-table.js";
import { flagOf, makeVerifier, type Owner, ownerTag, type Verifier } from "./flag.js";
import { BASE64, type Place, readJson, readVerifier, ShapeError, TAG } from "./json-shape.js";
import { readOwner } from "./progress.js";
import { wrapFlag } from "./wrapped-flag.js";

/** One challenge of a kit. */
export interface KitChallenge {
  readonly verifier: Verifier;
  /** Of a challenge of files: the files. */
  readonly files?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Of a challenge with a realm: its flag, wrapped. */
  readonly wrapped?: Uint8Array | undefined;
}

/** A kit. */
export interface Kit {
  readonly owner: Owner;
  readonly tag: string;
  readonly challenges: ReadonlyMap<string, KitChallenge>;
}

/** The most bytes of a kit. */
export const KIT_LIMIT = 16 * 1024 * 1024;

/** Makes a student's kit; `now` is in milliseconds since the epoch. */
export async function makeKit(seed: Uint8Array, owner: Owner, now: number): Promise<Kit> {
  const challenges = await Promise.all(
    CHALLENGES.map(async (challenge): Promise<[string, KitChallenge]> => {
      const flag = flagOf(seed, owner, challenge.name);
      const verifier = await makeVerifier(flag);
      return challenge.kind === "realm"
        ? [challenge.name, { verifier, wrapped: wrapFlag(flag, challenge.name) }]
        : [challenge.name, { verifier, files: bytesOf(await challenge.make(flag, now)) }];
    }),
  );
  return { owner, tag: ownerTag(seed, owner), challenges: new Map(challenges) };
}

/** A kit as a file. */
export function formatKit({ owner, tag, challenges }: Kit): Uint8Array {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const rows = [...challenges].map(([name, { verifier, files, wrapped }]) => [
    name,
    {
      verifier,
      files: files && Object.fromEntries([...files].map(([path, bytes]) => [path, base64(bytes)])),
      wrapped: wrapped && base64(wrapped),
    },
  ]);
  const document = { version: 1, kit: KIND, owner, tag, challenges: Object.fromEntries(rows) };
  return Buffer.from(`${JSON.stringify(document, undefined, 1)}\n`);
}

/** Reads a kit. Throws ChallengeError `bad-kit`, naming what is wrong. */
export function parseKit(bytes: Uint8Array, path: string): Kit {
  try {
    return readJson(bytes, readKit);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ChallengeError("bad-kit", `${path}: not a kit of challenges: ${error.message}`, {
      hint: "have your teacher send it again",
    });
  }
}

/** Keeps a kit in the learner's folder. Throws PrivateFileError. */
export async function saveKit(dir: string, kit: Kit): Promise<void> {
  await writeFileAtomically(kitFile(dir), formatKit(kit));
}

/** The kit in a learner's folder; undefined: there is none. Throws as `parseKit` and `readPrivateFile`. */
export async function loadKit(dir: string): Promise<Kit | undefined> {
  const path = kitFile(dir);
  try {
    return parseKit(await readPrivateFile(path, KIT_LIMIT), path);
  } catch (error) {
    if (error instanceof PrivateFileError && error.code === "missing") return undefined;
    throw error;
  }
}

const KIND = "tessera challenges";
/** A file's name, never a way out of its folder. */
const FILE_NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;

function kitFile(dir: string): string {
  return join(dir, "kit.json");
}

function bytesOf(files: ChallengeFiles): Map<string, Uint8Array> {
  const entries = Object.entries(files);
  return new Map(entries.map(([name, file]) => [name, typeof file === "string" ? Buffer.from(file) : file]));
}

function readKit(document: Place): Kit {
  document.at("version").is(1);
  document.at("kit").is(KIND);
  const challenges = document.at("challenges");
  return {
    owner: readOwner(document.at("owner")),
    tag: document.at("tag").text(TAG, "four letters and digits"),
    challenges: new Map(challenges.names().map((name) => [name, readChallenge(challenges.at(name))])),
  };
}

function readChallenge(place: Place): KitChallenge {
  const [files, wrapped] = [place.at("files"), place.at("wrapped")];
  return {
    verifier: readVerifier(place.at("verifier")),
    ...(!files.isAbsent && {
      files: new Map(files.names().map((name) => [fileName(name), bytesAt(files.at(name))])),
    }),
    ...(!wrapped.isAbsent && { wrapped: bytesAt(wrapped) }),
  };
}

function bytesAt(place: Place): Uint8Array {
  return Buffer.from(place.text(BASE64, "base64"), "base64");
}

function fileName(name: string): string {
  if (!FILE_NAME.test(name)) throw new ShapeError("files: expected names of files");
  return name;
}
