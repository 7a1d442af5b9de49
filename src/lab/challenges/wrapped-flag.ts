/**
 * The flag of a challenge with a realm, in a class's kit: the realm runs on the learner's machine and must
 * know the flag, though the learner should not. It is wrapped, not protected: whoever reads this file can
 * unwrap it, as whoever looks into the memory of the running realm finds it. It keeps a flag from being found
 * by looking at files, no more (docs/challenges.md says so to teachers).
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

const NONCE_SIZE = 12;
const TAG_SIZE = 16;

/** Wraps a flag. */
export function wrapFlag(flag: string, challenge: string): Uint8Array {
  const nonce = randomBytes(NONCE_SIZE);
  const cipher = createCipheriv("aes-256-gcm", wrappingKey(challenge), nonce);
  const sealed = Buffer.concat([cipher.update(flag), cipher.final()]);
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
}

/** The flag; undefined: these bytes are not a flag of that challenge, wrapped. */
export function unwrapFlag(bytes: Uint8Array, challenge: string): string | undefined {
  if (bytes.length < NONCE_SIZE + TAG_SIZE) return undefined;
  const nonce = bytes.subarray(0, NONCE_SIZE);
  const decipher = createDecipheriv("aes-256-gcm", wrappingKey(challenge), nonce, {
    authTagLength: TAG_SIZE,
  });
  decipher.setAuthTag(bytes.subarray(-TAG_SIZE));
  try {
    const flag = decipher.update(bytes.subarray(NONCE_SIZE, -TAG_SIZE));
    return Buffer.concat([flag, decipher.final()]).toString();
  } catch {
    return undefined;
  }
}

function wrappingKey(challenge: string): Uint8Array {
  return createHash("sha256").update(`a flag of ${challenge}, wrapped`).digest();
}
