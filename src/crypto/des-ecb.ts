/**
 * des-ecb, encryption type −1 (private use): ECB with PKCS#5 padding and nothing else.
 *
 * No integrity, no confounder, no key usage: blocks can be moved, dropped and repeated unnoticed, and equal
 * plaintexts give equal ciphertexts. It is here to be attacked in lessons.
 */
import {
  BLOCK_SIZE,
  createKeySchedule,
  decryptEcb,
  encryptEcb,
  type KeySchedule,
  pad,
  unpad,
  wipeKeySchedule,
} from "../des/index.js";
import { requireUsage } from "./argument-checks.js";
import { requireMitParams } from "./des-cbc-md5.js";
import { generateDesKey, requireDesKey } from "./des-key-parts.js";
import {
  type CipherKey,
  DecryptionError,
  type EncryptionType,
  type RandomSource,
} from "./encryption-type.js";
import { equalBytes } from "./equal-bytes.js";
import { md5 } from "./hash.js";
import { mitDesStringToKey } from "./mit-des-string-to-key.js";
import { concatBytes, inOnePiece, type Octets } from "./octets.js";
import { systemRandom } from "./random.js";

/** What tells one ECB row from another. */
export interface EcbProfile {
  /** Encryption type number, and checksum type number too. */
  readonly etype: number;
  readonly name: string;
  readonly keySize: 8 | 16;
  readonly stringToKey: (password: string, salt: Uint8Array) => Uint8Array;
}

/** The row of etype −1. */
export const DES_ECB: EncryptionType = ecbEncryptionType({
  etype: -1,
  name: "des-ecb",
  keySize: 8,
  stringToKey: keyFromPassword,
});

/**
 * mit_des_string_to_key with a byte 255 after the salt. Without it the key would be the one that des-cbc-md5
 * makes from the same password, and this type would undo that one's integrity.
 */
function keyFromPassword(password: string, salt: Uint8Array): Uint8Array {
  return mitDesStringToKey(password, concatBytes(salt, Uint8Array.of(255)));
}

/** Makes the row of an ECB type. */
export function ecbEncryptionType(profile: EcbProfile): EncryptionType {
  const { etype, name, keySize } = profile;
  return Object.freeze<EncryptionType>({
    etype,
    name,
    alias: undefined,
    keySize,
    // PKCS#5 padding is removed exactly, so no zero bytes follow the plaintext.
    messageBlockSize: 1,
    checksumType: etype,
    checksumSize: 16,
    layout: [
      {
        kind: "message",
        size: undefined,
        enciphered: true,
        explanation:
          "What is sealed, each block of 8 bytes by itself: no confounder, no checksum (FIPS 81, ECB).",
      },
      {
        kind: "padding",
        size: undefined,
        enciphered: true,
        explanation: "1 to 8 bytes, each of which says how many there are (PKCS#5: RFC 8018 §6.1.1).",
      },
    ],
    integrity: false,
    weak: true,
    profiles: { textbook: "permitted", standard: "refused" },
    iterations: undefined,

    generateKey(random: RandomSource = systemRandom) {
      return generateDesKey(keySize, random);
    },

    async stringToKey(password: string, salt: Uint8Array, params?: Uint8Array) {
      requireMitParams(params);
      return profile.stringToKey(password, salt);
    },

    useKey(key: Uint8Array) {
      requireDesKey(key, keySize);
      return new EcbKey(key);
    },
  });
}

class EcbKey implements CipherKey {
  readonly #schedule: KeySchedule;
  #wiped = false;

  constructor(key: Uint8Array) {
    this.#schedule = createKeySchedule(key);
  }

  encrypt(usage: number, plaintext: Uint8Array): Uint8Array {
    this.#require(usage);
    const padded = pad(plaintext);
    return encryptEcb(this.#schedule, padded, padded);
  }

  decrypt(usage: number, ciphertext: Uint8Array): Uint8Array {
    const padded = this.#decipher(usage, ciphertext);
    try {
      return unpad(padded);
    } catch {
      throw new DecryptionError();
    } finally {
      padded.fill(0);
    }
  }

  decryptWhole(usage: number, ciphertext: Uint8Array): Uint8Array {
    this.decrypt(usage, ciphertext).fill(0);
    return this.#decipher(usage, ciphertext);
  }

  #decipher(usage: number, ciphertext: Uint8Array): Uint8Array {
    this.#require(usage);
    if (ciphertext.length % BLOCK_SIZE !== 0) throw new DecryptionError();
    return decryptEcb(this.#schedule, ciphertext);
  }

  /** E(key, MD5(data)) in ECB. A lesson too: half of it can be moved into another checksum. */
  checksum(usage: number, data: Octets): Uint8Array {
    this.#require(usage);
    return encryptEcb(this.#schedule, md5(inOnePiece(data)));
  }

  verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): boolean {
    return equalBytes(this.checksum(usage, data), checksum);
  }

  wipe(): void {
    this.#wiped = true;
    wipeKeySchedule(this.#schedule);
  }

  #require(usage: number): void {
    if (this.#wiped) throw new Error("key: already wiped");
    requireUsage(usage);
  }
}
