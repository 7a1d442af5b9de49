/**
 * The master key: 32 random bytes in a file of their own, under which the keys in the store are sealed. The
 * store without this file yields no key.
 *
 * File, 40 bytes: "TSMK", format version 1 (4 bytes, big endian), the key. During a roll-over 72 bytes:
 * version 2, the new key, the old one.
 */
import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { createPrivateFile, writeFileAtomically } from "../files/private-file.js";
import { PrivateFileError } from "../files/private-file-error.js";
import { readSecret } from "../files/secret-file.js";
import { StoreError } from "./store-error.js";

const MAGIC = Buffer.from("TSMK", "ascii");
const VERSION = 1;
const HEADER_SIZE = 8;
const KEY_SIZE = 32;
const FILE_SIZE = HEADER_SIZE + KEY_SIZE;
/** During a roll-over: the new key, then the old one. */
const ROLL_OVER_VERSION = 2;
const ROLL_OVER_SIZE = FILE_SIZE + KEY_SIZE;

/** The master key of a realm, held as the keys derived from it. Prints as `[redacted]`. */
export class MasterKey {
  /**
   * First 8 bytes of the fingerprint: stored beside each sealed record, so that a wrong master key is
   * reported as such.
   */
  readonly id: Uint8Array;
  readonly #sealing: Uint8Array;
  readonly #authentication: Uint8Array;
  readonly #dumps: Uint8Array;

  /**
   * @param bytes 32 random bytes; no reference is kept.
   * @throws RangeError for another length.
   */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_SIZE)
      throw new RangeError(`master key: expected ${KEY_SIZE} bytes, got ${bytes.length}`);
    this.#sealing = derived(bytes, "tessera storage v1 key sealing");
    this.#authentication = derived(bytes, "tessera storage v1 record seal");
    this.#dumps = derived(bytes, "tessera storage v1 dump seal");
    this.id = derived(bytes, "tessera storage v1 master key fingerprint").slice(0, 8);
  }

  /** A copy of the key for AES-256-GCM over stored keys; the caller wipes it. */
  exportSealingKey(): Uint8Array {
    return Uint8Array.from(this.#sealing);
  }

  /** HMAC-SHA-256 over the parts, one after the other, under the key for whole records. */
  authenticate(...parts: readonly Uint8Array[]): Uint8Array {
    const hmac = createHmac("sha256", this.#authentication);
    for (const part of parts) hmac.update(part);
    return Uint8Array.from(hmac.digest());
  }

  /** HMAC-SHA-256 over the digest of a dump, under the key for whole dumps. */
  authenticateDump(digest: Uint8Array): Uint8Array {
    return Uint8Array.from(createHmac("sha256", this.#dumps).update(digest).digest());
  }

  /** Overwrites the bytes held here. The key is unusable afterwards. */
  wipe(): void {
    this.#sealing.fill(0);
    this.#authentication.fill(0);
    this.#dumps.fill(0);
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }

  [inspect.custom](): string {
    return "MasterKey [redacted]";
  }
}

/**
 * Writes a new master key to a file that must not exist yet, with mode 0600.
 * @throws PrivateFileError `exists`, `missing` (the folder) or `unavailable`.
 */
export async function createMasterKey(
  file: string,
  random: (size: number) => Uint8Array = randomBytes,
): Promise<MasterKey> {
  const key = random(KEY_SIZE);
  const contents = formatKeys([key]);
  key.fill(0);
  try {
    await createPrivateFile(file, contents);
    return new MasterKey(contents.subarray(HEADER_SIZE));
  } finally {
    contents.fill(0);
  }
}

/**
 * Reads the master keys of a realm: one, or the new and the old one of a roll-over.
 * @throws PrivateFileError `missing`, or `unsafe` for a link out of its folder, another owner or a mode open
 *   to others, with the command that mends it; StoreError
 *   `corrupt` for a file that is not a master key, `version` for one written by a newer release.
 */
export async function loadMasterKeys(file: string): Promise<[MasterKey, ...MasterKey[]]> {
  const contents = await readSecret(file, ROLL_OVER_SIZE + 1).catch((error: unknown) => {
    if (!(error instanceof PrivateFileError) || error.code !== "missing") throw error;
    const hint = "restore it from a backup: nothing else opens the realm's keys";
    throw new PrivateFileError("missing", file, error.message, { cause: error, hint });
  });
  try {
    return splitKeys(file, contents).map((bytes) => new MasterKey(bytes)) as [MasterKey, ...MasterKey[]];
  } finally {
    contents.fill(0);
  }
}

/**
 * Writes a copy of the master keys in a file to another, which must not exist yet, with mode 0600.
 * @throws as `loadMasterKeys` and `createMasterKey`.
 */
export async function copyMasterKeys(from: string, to: string): Promise<void> {
  const contents = await readSecret(from, ROLL_OVER_SIZE + 1);
  try {
    splitKeys(from, contents);
    await createPrivateFile(to, contents);
  } finally {
    contents.fill(0);
  }
}

/**
 * Reads the master key of a realm that is in no roll-over, or else the new one. Throws as `loadMasterKeys`.
 */
export async function loadMasterKey(file: string): Promise<MasterKey> {
  return (await loadMasterKeys(file))[0];
}

/**
 * Puts a new master key before the one in the file, in one step; the file of a roll-over that was interrupted
 * stays as it is.
 * @returns whether a new key was made.
 * @throws as `loadMasterKeys` and `writeFileAtomically`.
 */
export async function beginRollOver(
  file: string,
  random: (size: number) => Uint8Array = randomBytes,
): Promise<boolean> {
  const old = await readSecret(file, ROLL_OVER_SIZE + 1);
  const made = random(KEY_SIZE);
  let contents = new Uint8Array();
  try {
    const [first, ...others] = splitKeys(file, old);
    if (others.length > 0) return false;
    contents = formatKeys([made, first]);
    await writeFileAtomically(file, contents);
    return true;
  } finally {
    for (const bytes of [old, made, contents]) bytes.fill(0);
  }
}

/**
 * Drops the old key of a roll-over from the file, in one step. No record may be sealed under it any more.
 * @throws as `loadMasterKeys` and `writeFileAtomically`.
 */
export async function endRollOver(file: string): Promise<void> {
  const old = await readSecret(file, ROLL_OVER_SIZE + 1);
  let contents = new Uint8Array();
  try {
    contents = formatKeys([splitKeys(file, old)[0]]);
    await writeFileAtomically(file, contents);
  } finally {
    old.fill(0);
    contents.fill(0);
  }
}

function formatKeys(keys: readonly [Uint8Array, ...Uint8Array[]]): Uint8Array<ArrayBuffer> {
  const contents = new Uint8Array(HEADER_SIZE + keys.length * KEY_SIZE);
  contents.set(MAGIC);
  new DataView(contents.buffer).setUint32(MAGIC.length, keys.length === 1 ? VERSION : ROLL_OVER_VERSION);
  for (const [index, key] of keys.entries()) contents.set(key, HEADER_SIZE + index * KEY_SIZE);
  return contents;
}

/** The keys within the bytes of a file: views, not copies. */
function splitKeys(file: string, contents: Uint8Array): [Uint8Array, ...Uint8Array[]] {
  const view = new DataView(contents.buffer, contents.byteOffset, contents.byteLength);
  const isMasterKey = contents.length >= HEADER_SIZE && MAGIC.equals(contents.subarray(0, MAGIC.length));
  const version = isMasterKey ? view.getUint32(MAGIC.length) : 0;
  if (version > ROLL_OVER_VERSION)
    throw new StoreError("version", `${file}: written by a newer release; use that release`);
  const first = contents.subarray(HEADER_SIZE, FILE_SIZE);
  if (version === VERSION && contents.length === FILE_SIZE) return [first];
  if (version === ROLL_OVER_VERSION && contents.length === ROLL_OVER_SIZE)
    return [first, contents.subarray(FILE_SIZE)];
  throw new StoreError(
    "corrupt",
    `${file}: not a master key (expected ${FILE_SIZE} bytes that begin with ${MAGIC}); restore it from a backup`,
  );
}

function derived(key: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), purpose, KEY_SIZE));
}
