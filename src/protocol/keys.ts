/**
 * Keys as the protocol holds them: bytes with their encryption type and, for long-term keys, a version number
 * (RFC 4120 §5.2.9). A key prints as `[redacted]`.
 */

import { inspect } from "node:util";
import type { CipherKey, EncryptionType, RandomSource } from "../crypto/encryption-type.js";
import { equalBytes } from "../crypto/equal-bytes.js";
import { KrbError } from "./krb-error.js";
import { checkPassword } from "./passwords.js";
import { defaultSalt, type Principal } from "./principal.js";

/** A key of one encryption type. Owns its copy of the bytes until `wipe`. */
export class Key {
  readonly etype: EncryptionType;
  #held: Uint8Array | undefined;
  #open: (() => Uint8Array) | undefined;
  #cipher: CipherKey | undefined;
  #wiped = false;

  /**
   * @internal
   * @param etype the row of the key's encryption type.
   * @param bytes `etype.keySize` bytes, copied; or what opens them when the key is first used, and gives them
   *   away.
   * @throws RangeError if the length is wrong.
   */
  constructor(etype: EncryptionType, bytes: Uint8Array | (() => Uint8Array)) {
    this.etype = etype;
    if (typeof bytes === "function") this.#open = bytes;
    else this.#held = new Uint8Array(checkedSize(etype, bytes));
  }

  get #bytes(): Uint8Array {
    if (this.#held === undefined) {
      // Wiped before it was ever opened: zeros, as any other that was.
      this.#held = this.#open === undefined ? new Uint8Array(this.etype.keySize) : this.#open();
      this.#open = undefined;
      checkedSize(this.etype, this.#held);
    }
    return this.#held;
  }

  /**
   * @internal The key ready for use: made when it is first asked for, and kept.
   * @throws RangeError for a weak DES key; Error once the key is wiped, for zeros are a key that everybody
   *   has.
   */
  get cipher(): CipherKey {
    if (this.#wiped) throw new Error("key: already wiped");
    this.#cipher ??= this.etype.useKey(this.#bytes);
    return this.#cipher;
  }

  /** A copy of the key's bytes, the caller's, to put into a message, a keytab or a record. */
  exportBytes(): Uint8Array {
    return new Uint8Array(this.#bytes);
  }

  /** Whether the other is the same key of the same encryption type, in constant time. */
  equals(other: Key): boolean {
    return this.etype === other.etype && equalBytes(this.#bytes, other.#bytes);
  }

  /** Overwrites the key and what was derived from it. JavaScript may have left other copies. */
  wipe(): void {
    this.#wiped = true;
    this.#open = undefined;
    this.#held?.fill(0);
    this.#cipher?.wipe();
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }

  [inspect.custom](): string {
    return `Key(${this.etype.name}) [redacted]`;
  }
}

function checkedSize(etype: EncryptionType, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== etype.keySize)
    throw new RangeError(`key: expected ${etype.keySize} bytes for ${etype.name}, got ${bytes.length}`);
  return bytes;
}

/**
 * What is wrong with a key of the right length, such as a weak DES key or one of bad parity; undefined:
 * nothing.
 */
export function flawOf(key: Key): string | undefined {
  try {
    void key.cipher;
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

/** A principal's long-term key with its version number. */
export interface LongTermKey {
  /** Key version number, from 1 upwards. */
  readonly kvno: number;
  readonly key: Key;
  /**
   * Of a version that was replaced: from this time on (milliseconds since the epoch) it opens nothing.
   * Undefined for a current key, for a key from a keytab, and for one replaced before ends were kept
   * (`usableKeys` knows).
   */
  readonly goodUntil?: number | undefined;
}

/** Makes a fresh random key, never a weak one. */
export function randomKey(etype: EncryptionType, random?: RandomSource): Key {
  const bytes = etype.generateKey(random);
  try {
    return new Key(etype, bytes);
  } finally {
    bytes.fill(0);
  }
}

/** How a password becomes a key (RFC 4120 §5.2.7.5, ETYPE-INFO2). */
export interface StringToKey {
  readonly salt: string;
  /** The encryption type's own parameters; empty: its defaults. */
  readonly params: Uint8Array;
}

/** The customary choice: the salt from the name, the encryption type's default parameters. */
export function defaultStringToKey(principal: Principal): StringToKey {
  return { salt: defaultSalt(principal), params: new Uint8Array() };
}

/**
 * A realm's choice: the salt from the name, and the realm's number of iterations if it has one and the
 * encryption type takes any.
 */
export function stringToKeyOf(
  principal: Principal,
  etype: EncryptionType,
  iterations: number | undefined,
): StringToKey {
  if (iterations === undefined || etype.iterations === undefined) return defaultStringToKey(principal);
  return { salt: defaultSalt(principal), params: etype.iterations.toParams(iterations) };
}

/**
 * Derives a long-term key from a password. Slow work runs off the event loop.
 * @param password 1 to 1024 bytes of UTF-8, used as it is: `passwordForms` and `preparedPassword` give the
 *   text that belongs here.
 * @throws KrbError KRB_ERR_GENERIC for an empty password, KRB_ERR_FIELD_TOOLONG for an enormous one;
 *   KDC_ERR_ETYPE_NOSUPP for parameters that the encryption type does not have or accept.
 */
export async function keyFromPassword(
  etype: EncryptionType,
  password: string,
  s2k: StringToKey,
): Promise<Key> {
  checkPassword(password);
  const salt = new TextEncoder().encode(s2k.salt);
  const params = s2k.params.length > 0 ? s2k.params : undefined;
  try {
    const bytes = await etype.stringToKey(password, salt, params);
    try {
      return new Key(etype, bytes);
    } finally {
      bytes.fill(0);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KrbError("KDC_ERR_ETYPE_NOSUPP", `${etype.name}: string-to-key parameters refused`, {
      etype: String(etype.etype),
      cause: error.message,
    });
  }
}
