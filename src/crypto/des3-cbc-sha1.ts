/**
 * des3-cbc-sha1-kd, encryption type 16, and hmac-sha1-des3-kd, checksum type 12 (RFC 3961 §6.3, in the
 * simplified profile of §5.3). Deprecated by RFC 8429: blocks of 64 bits, and a string-to-key without
 * iterations.
 */
import {
  BLOCK_SIZE,
  createKeySchedule,
  decryptCbc,
  encryptCbc,
  type KeySchedule,
  wipeKeySchedule,
} from "../des/index.js";
import { encodePassword } from "./argument-checks.js";
import { DES3_SEED_SIZE, deriveKey, des3RandomToKey } from "./derive-key.js";
import { generateDesKey, requireDesKey } from "./des-key-parts.js";
import {
  type CipherKey,
  DecryptionError,
  type EncryptionType,
  type RandomSource,
} from "./encryption-type.js";
import { equalBytes } from "./equal-bytes.js";
import { hmac, SHA1 } from "./hmac.js";
import { nFold } from "./n-fold.js";
import { concatBytes, inOnePiece, type Octets } from "./octets.js";
import { systemRandom, takeRandom } from "./random.js";
import { DerivedKey, PURPOSE, UsageKeys, usageConstant } from "./usage-keys.js";

const KEY_SIZE = 24;
/** One block of confounder, and all of the hash as MAC (§6.3: "HMAC output size 160 bits"). */
const CONFOUNDER_SIZE = BLOCK_SIZE;
const MAC_SIZE = 20;
const ZERO_IV = new Uint8Array(BLOCK_SIZE);
const KERBEROS = new TextEncoder().encode("kerberos");

/** The row of etype 16. */
export const DES3_CBC_SHA1: EncryptionType = Object.freeze<EncryptionType>({
  etype: 16,
  name: "des3-cbc-sha1-kd",
  alias: "des3",
  keySize: KEY_SIZE,
  messageBlockSize: BLOCK_SIZE,
  checksumType: 12,
  checksumSize: MAC_SIZE,
  layout: [
    {
      kind: "confounder",
      size: CONFOUNDER_SIZE,
      enciphered: true,
      explanation:
        "One random block, so that the same message never gives the same ciphertext (RFC 3961 §5.3).",
    },
    { kind: "message", size: undefined, enciphered: true, explanation: "What is sealed (RFC 3961 §5.3)." },
    {
      kind: "padding",
      size: undefined,
      enciphered: true,
      explanation: "Zeros up to the end of the block of 8 bytes (RFC 3961 §5.3).",
    },
    {
      kind: "checksum",
      size: MAC_SIZE,
      enciphered: false,
      explanation:
        "HMAC-SHA1 over confounder, message and padding under Ki, which is derived from the key for this " +
        "key usage alone (RFC 3961 §5.3, §6.3).",
    },
  ],
  integrity: true,
  weak: true,
  profiles: { textbook: "permitted", standard: "refused" },
  iterations: undefined,

  generateKey(random: RandomSource = systemRandom) {
    return generateDesKey(KEY_SIZE, random);
  },

  async stringToKey(password: string, salt: Uint8Array, params?: Uint8Array) {
    if (params !== undefined && params.length > 0)
      throw new RangeError(`params: expected none, got ${params.length} bytes`);
    return des3StringToKey(password, salt);
  },

  useKey(key: Uint8Array) {
    requireDesKey(key, KEY_SIZE);
    return new Des3CbcSha1Key(key);
  },
});

/** §6.3.1: DK(random-to-key(168-fold(password | salt)), "kerberos"). */
function des3StringToKey(password: string, salt: Uint8Array): Uint8Array {
  const secret = encodePassword(password);
  const text = concatBytes(secret, salt);
  if (text.length === 0) throw new RangeError("password: expected a password or a salt, got neither");
  const random = nFold(text, DES3_SEED_SIZE);
  const temporary = des3RandomToKey(random);
  const schedule = createKeySchedule(temporary);
  const key = deriveKey(schedule, KERBEROS);
  for (const bytes of [secret, text, random, temporary]) bytes.fill(0);
  wipeKeySchedule(schedule);
  return key;
}

class Des3CbcSha1Key implements CipherKey {
  readonly #base: KeySchedule;
  readonly #seals: UsageKeys<SealKeys>;
  readonly #checksums: UsageKeys<DerivedKey>;

  constructor(key: Uint8Array) {
    this.#base = createKeySchedule(key);
    this.#seals = new UsageKeys((usage) => {
      const ke = this.#derive(usage, PURPOSE.seal);
      const schedule = createKeySchedule(ke);
      ke.fill(0);
      return new SealKeys(this.#derive(usage, PURPOSE.guard), schedule);
    });
    this.#checksums = new UsageKeys((usage) => new DerivedKey(this.#derive(usage, PURPOSE.checksum)));
  }

  encrypt(usage: number, plaintext: Uint8Array, random: RandomSource = systemRandom): Uint8Array {
    const { ki, schedule } = this.#seals.get(usage);
    // §5.3: C1 = E(Ke, conf | plaintext | pad), H1 = HMAC(Ki, conf | plaintext | pad), ciphertext = C1 |
    // H1[1..h].
    const textSize = CONFOUNDER_SIZE + Math.ceil(plaintext.length / BLOCK_SIZE) * BLOCK_SIZE;
    const sealed = new Uint8Array(textSize + MAC_SIZE);
    const text = sealed.subarray(0, textSize);
    text.set(takeRandom(random, CONFOUNDER_SIZE));
    text.set(plaintext, CONFOUNDER_SIZE);
    sealed.set(hmac(SHA1, MAC_SIZE, ki, text), textSize);
    encryptCbc(schedule, ZERO_IV, text, text);
    return sealed;
  }

  decrypt(usage: number, ciphertext: Uint8Array): Uint8Array {
    const text = this.#open(usage, ciphertext);
    const plaintext = text.slice(CONFOUNDER_SIZE);
    text.fill(0);
    return plaintext;
  }

  decryptWhole(usage: number, ciphertext: Uint8Array): Uint8Array {
    const text = this.#open(usage, ciphertext);
    const whole = concatBytes(text, ciphertext.subarray(text.length));
    text.fill(0);
    return whole;
  }

  /** Confounder, message and padding, once the MAC is found right. */
  #open(usage: number, ciphertext: Uint8Array): Uint8Array {
    const { ki, schedule } = this.#seals.get(usage);
    const textSize = ciphertext.length - MAC_SIZE;
    if (textSize < CONFOUNDER_SIZE || textSize % BLOCK_SIZE !== 0) throw new DecryptionError();
    // The MAC is over the plaintext, which must be deciphered first; nothing else looks at it before the MAC
    // is checked.
    const text = decryptCbc(schedule, ZERO_IV, ciphertext.subarray(0, textSize));
    if (equalBytes(hmac(SHA1, MAC_SIZE, ki, text), ciphertext.subarray(textSize))) return text;
    text.fill(0);
    throw new DecryptionError();
  }

  checksum(usage: number, data: Octets): Uint8Array {
    // §5.4: HMAC(Kc, message)[1..h].
    return hmac(SHA1, MAC_SIZE, this.#checksums.get(usage).bytes, inOnePiece(data));
  }

  verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): boolean {
    return equalBytes(this.checksum(usage, data), checksum);
  }

  wipe(): void {
    wipeKeySchedule(this.#base);
    this.#seals.wipe();
    this.#checksums.wipe();
  }

  /** §5.3, §5.4: DK(base-key, usage | purpose). */
  #derive(usage: number, purpose: number): Uint8Array {
    return deriveKey(this.#base, usageConstant(usage, purpose));
  }
}

class SealKeys {
  readonly ki: Uint8Array;
  readonly schedule: KeySchedule;

  constructor(ki: Uint8Array, schedule: KeySchedule) {
    this.ki = ki;
    this.schedule = schedule;
  }

  wipe(): void {
    this.ki.fill(0);
    wipeKeySchedule(this.schedule);
  }
}
