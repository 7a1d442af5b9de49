/**
 * The shape of an encryption type (RFC 3961 §3): everything about one algorithm in one row of a table.
 *
 * Code above receives a row and never looks at its number. Bytes in, bytes out: no function here keeps or
 * changes a buffer it was given, and every buffer returned belongs to the caller; what lies beside it in the
 * same `ArrayBuffer` does not.
 */

import type { Octets } from "./octets.js";

/** Gives `size` fresh random bytes, the caller's, who may overwrite them. The system's source by default. */
export type RandomSource = (size: number) => Uint8Array;

/**
 * The one failure of decryption, whatever the cause: wrong key, wrong usage, altered, truncated or extended
 * ciphertext.
 */
export class DecryptionError extends Error {
  override readonly name = "DecryptionError";

  constructor() {
    // Thrown for whatever anybody sends, and always caught: a stack trace would cost as much as deciphering.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super("decryption failed");
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The profiles of a realm: for lessons, and for work. */
export type ProfileName = "textbook" | "standard";

/**
 * What a profile does with an encryption type. `new-keys`: it is permitted, and every new principal gets a
 * key of it.
 */
export type ProfileUse = "new-keys" | "permitted" | "refused";

/** The iteration count among string-to-key parameters (RFC 8009 §4). */
export interface Iterations {
  /** How many there are where the parameters are empty. */
  readonly default: number;
  /** The most that are accepted, so that nobody can keep a processor busy for long. */
  readonly most: number;
  /** The parameters with this count, the caller's. */
  toParams(count: number): Uint8Array;
  /**
   * The count in such parameters, whether or not it is accepted; undefined where they are not this type's.
   */
  inParams(params: Uint8Array): number | undefined;
}

/** A run of bytes of a ciphertext (RFC 3961 §5.3 and §6, RFC 8009 §5). */
export interface CipherPart {
  readonly kind: "confounder" | "checksum" | "message" | "padding";
  /** In bytes; undefined where the message decides it. */
  readonly size: number | undefined;
  /** Whether it is enciphered; otherwise it stands in the ciphertext as it is. */
  readonly enciphered: boolean;
  /** What it is and what it is for, with the clause. */
  readonly explanation: string;
}

/** One row of the table of encryption types: all there is to say of one. */
export interface EncryptionType {
  /** IANA's Kerberos encryption type number; negative numbers are private use (RFC 3961 §8). */
  readonly etype: number;
  /** The IANA name in lower case, for example `aes256-cts-hmac-sha384-192`. */
  readonly name: string;
  /** The short name people type, for example `aes256`; undefined: it has none. */
  readonly alias: string | undefined;
  /** Key length in bytes. */
  readonly keySize: number;
  /**
   * RFC 3961's message block size m, in bytes: a decrypted message may end in up to m - 1 zero bytes of
   * padding.
   */
  readonly messageBlockSize: number;
  /** Number of the checksum type that goes with this encryption type. */
  readonly checksumType: number;
  /** Length in bytes of that checksum. */
  readonly checksumSize: number;
  /** @internal The parts of a ciphertext, in the order of their bytes; exactly one is the message. */
  readonly layout: readonly CipherPart[];
  /** False where changes to the ciphertext go unnoticed: for lessons only. */
  readonly integrity: boolean;
  /** True for types that must not leave loopback unasked (RFC 6649, RFC 8429). */
  readonly weak: boolean;
  /** @internal What each profile does with it. */
  readonly profiles: Readonly<Record<ProfileName, ProfileUse>>;
  /** @internal The iteration count of string-to-key; undefined where it has none. */
  readonly iterations: Iterations | undefined;

  /** @internal Makes a fresh random key of `keySize` bytes, never a weak DES key. */
  generateKey(random?: RandomSource): Uint8Array;

  /**
   * @internal Derives a key from a password (RFC 3961 §3, string-to-key). Slow work runs off the event loop.
   * @param password UTF-8 text.
   * @param salt by custom the realm followed by the components of the name.
   * @param params the etype's own parameters; its defaults when absent.
   * @throws RangeError for parameters this type does not have, or beyond its limits.
   */
  stringToKey(password: string, salt: Uint8Array, params?: Uint8Array): Promise<Uint8Array>;

  /**
   * @internal Prepares a key for use: key schedules and derived keys are made once and kept until `wipe`.
   * @throws RangeError for a key that is not `keySize` bytes long and, with DES, for one that is weak or of
   *   bad parity.
   */
  useKey(key: Uint8Array): CipherKey;
}

/** A key ready for use under one encryption type. Holds copies of key material until `wipe`. */
export interface CipherKey {
  /** Seals `plaintext` for a key usage (RFC 4120 §7.5.1), with a fresh confounder where the type has one. */
  encrypt(usage: number, plaintext: Uint8Array, random?: RandomSource): Uint8Array;
  /**
   * Opens what `encrypt` sealed. The seal is checked before anything inside it is read, and in constant time.
   * @returns the plaintext followed by at most `messageBlockSize - 1` bytes of zero padding.
   * @throws DecryptionError, whatever the cause.
   */
  decrypt(usage: number, ciphertext: Uint8Array): Uint8Array;
  /**
   * As `decrypt`, but gives the parts of the type's `layout` one after the other, deciphered, with the
   * confounder, checksum and padding: as many bytes as the ciphertext has. For lessons and traces.
   * @throws DecryptionError, whatever the cause.
   */
  decryptWhole(usage: number, ciphertext: Uint8Array): Uint8Array;
  /** The keyed checksum over `data` for a key usage, `checksumSize` bytes. */
  checksum(usage: number, data: Octets, random?: RandomSource): Uint8Array;
  /** Whether `checksum` is the right one for `data`; compared in constant time. */
  verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): boolean;
  /** Overwrites the key material held here. The key can't be used afterwards. */
  wipe(): void;
}
