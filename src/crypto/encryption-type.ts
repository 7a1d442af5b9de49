/**
 * The shape of an encryption type (RFC 3961 §3): everything about one algorithm in one row of a table.
 *
 * Code above receives a row and never looks at its number. Bytes in, bytes out: no function here keeps or changes a
 * buffer it was given, and every buffer returned belongs to the caller; what lies beside it in the same `ArrayBuffer`
 * does not.
 */

/** Gives `size` fresh random bytes, owned by the caller. The system's source unless a test injects another. */
export type RandomSource = (size: number) => Uint8Array;

/** The one failure of every bad decryption: wrong key, wrong usage, altered, truncated or extended ciphertext. */
export class DecryptionError extends Error {
  override readonly name = "DecryptionError";
  constructor() {
    super("decryption failed");
  }
}

/** The profiles of a realm: for lessons, and for work. */
export type ProfileName = "textbook" | "standard";

/** What a profile does with an encryption type. `new-keys`: it is permitted, and every new principal gets a key of it. */
export type ProfileUse = "new-keys" | "permitted" | "refused";

/** The iteration count among string-to-key parameters (RFC 8009 §4). */
export interface Iterations {
  /** How many there are where the parameters are empty. */
  readonly default: number;
  /** The most that are accepted, so that nobody can keep a processor busy for long. */
  readonly most: number;
  /** The parameters with this count, the caller's. */
  toParams(count: number): Uint8Array;
  /** The count in such parameters, whether or not it is accepted; undefined where they are not this type's. */
  inParams(params: Uint8Array): number | undefined;
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
  /** RFC 3961's message block size m in bytes: a decrypted message may carry up to m - 1 zero bytes of padding. */
  readonly messageBlockSize: number;
  /** Number of the checksum type that goes with this encryption type. */
  readonly checksumType: number;
  /** Length in bytes of that checksum. */
  readonly checksumSize: number;
  /** False where a change of the ciphertext goes unnoticed: lessons only. */
  readonly integrity: boolean;
  /** True for types that must not leave loopback unasked (RFC 6649, RFC 8429). */
  readonly weak: boolean;
  /** @internal What each profile does with it. */
  readonly profiles: Readonly<Record<ProfileName, ProfileUse>>;
  /** @internal Undefined where string-to-key has no iteration count. */
  readonly iterations: Iterations | undefined;

  /** @internal Makes a fresh random key of `keySize` bytes; never a weak DES key. */
  generateKey(random?: RandomSource): Uint8Array;

  /**
   * @internal Derives a key from a password (RFC 3961 §3, string-to-key), long work off the event loop.
   * @param password UTF-8 text.
   * @param salt bytes, by custom the realm followed by the name's components.
   * @param params the etype's own parameters; its defaults when absent.
   * @throws RangeError for parameters this type does not have, or beyond its limits.
   */
  stringToKey(password: string, salt: Uint8Array, params?: Uint8Array): Promise<Uint8Array>;

  /**
   * @internal Prepares a key for use: schedules and derived keys are made once and kept until `wipe`.
   * @throws RangeError when the key is not `keySize` bytes long; DES: also for a weak or bad-parity key.
   */
  useKey(key: Uint8Array): CipherKey;
}

/** A key ready for use under one encryption type. Holds copies of key material until `wipe`. */
export interface CipherKey {
  /** Seals `plaintext` under the key for this key usage (RFC 4120 §7.5.1), with a fresh confounder where the type has one. */
  encrypt(usage: number, plaintext: Uint8Array, random?: RandomSource): Uint8Array;
  /**
   * Opens what `encrypt` sealed. The seal is checked, in constant time, before anything else is looked at.
   * @returns the plaintext followed by at most `messageBlockSize - 1` bytes of zero padding.
   * @throws DecryptionError for every cause alike.
   */
  decrypt(usage: number, ciphertext: Uint8Array): Uint8Array;
  /** The keyed checksum over `data` for this key usage, `checksumSize` bytes. */
  checksum(usage: number, data: Uint8Array, random?: RandomSource): Uint8Array;
  /** Whether `checksum` is right for `data`; compared in constant time. */
  verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): boolean;
  /** Overwrites the copies of key material held here. The key is unusable afterwards. */
  wipe(): void;
}
