/**
 * The file of a shared key: 32 random bytes in base64, below a line that says what they are. One who has
 * OpenSSL makes the same with `openssl rand -base64 32`.
 */
import { ReadableError } from "../errors/readable-error.js";
import { createSecretNow } from "../files/new-secret.js";
import { PrivateFileError } from "../files/private-file-error.js";
import { readSecretNow } from "../files/secret-file.js";
import { strongestCommon } from "../protocol/etypes.js";
import { Key, randomKey } from "../protocol/keys.js";
import { PROFILES } from "../protocol/profile.js";

/** The encryption type of the key, and of the session keys of its tickets. */
export const ETYPE = strongestCommon(PROFILES.standard.permitted)!;

/** Far more than a key needs. */
const MAX_BYTES = 4096;
const HEADING = "# a key that client and service share (tessera-sso): whoever holds it can be anybody";

/** A file that holds no shared key; the text names it, and says what it should hold. */
export class SharedKeyError extends ReadableError {
  override readonly name = "SharedKeyError";
}

/**
 * Reads the key, or makes file and key if there is none yet: of several programs that begin at once, one
 * makes it and the others read it.
 * @throws PrivateFileError as `readSecretNow` and `createSecretNow`; SharedKeyError for a file that holds
 *   anything else.
 */
export function openKeyFile(path: string): Key {
  try {
    return readKeyFile(path);
  } catch (error) {
    if (!isFileError(error, "missing")) throw error;
  }
  const key = randomKey(ETYPE);
  const bytes = key.exportBytes();
  const text = Buffer.from(`${HEADING}\n${Buffer.from(bytes.buffer).toString("base64")}\n`);
  try {
    createSecretNow(path, text);
    return key;
  } catch (error) {
    key.wipe();
    if (!isFileError(error, "exists")) throw error;
  } finally {
    bytes.fill(0);
    text.fill(0);
  }
  return readKeyFile(path);
}

function readKeyFile(path: string): Key {
  const text = Buffer.from(readSecretNow(path, MAX_BYTES).buffer);
  const bytes = keyBytes(text.toString("latin1"));
  text.fill(0);
  try {
    if (bytes.length === ETYPE.keySize) return new Key(ETYPE, bytes);
  } finally {
    bytes.fill(0);
  }
  throw new SharedKeyError(`${path}: expected a shared key, ${ETYPE.keySize} bytes in base64 on one line`, {
    hint: "copy the file from the other side; or remove it on both, start one side, which makes another, and copy that",
  });
}

/** The bytes that the one line stands for which is no comment; none where it is not just base64. */
function keyBytes(text: string): Uint8Array {
  const lines = text.split("\n").map((line) => line.trim());
  const [line = "", ...others] = lines.filter((each) => each !== "" && !each.startsWith("#"));
  const bytes = Uint8Array.from(Buffer.from(line, "base64"));
  // Buffer passes over what is no base64: what it has read must be what stands there.
  const isAll = others.length === 0 && Buffer.from(bytes.buffer).toString("base64") === line;
  return isAll ? bytes : new Uint8Array();
}

function isFileError(error: unknown, code: PrivateFileError["code"]): boolean {
  return error instanceof PrivateFileError && error.code === code;
}
