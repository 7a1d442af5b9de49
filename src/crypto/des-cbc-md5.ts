/**
 * des-cbc-md5, encryption type 3 (RFC 3961 §6.2.1), and rsa-md5-des, checksum type 8 (§6.2.4).
 *
 * For lessons on one machine: the key has 56 bits, and integrity is no more than a hash inside the
 * encryption. The key usage is ignored, so this type can't tell a ticket from an authenticator.
 */
import {
  BLOCK_SIZE,
  createKeySchedule,
  decryptCbc,
  encryptCbc,
  type KeySchedule,
  wipeKeySchedule,
} from "../des/index.js";
import { requireUsage } from "./argument-checks.js";
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
import { inOnePiece, type Octets } from "./octets.js";
import { systemRandom, takeRandom } from "./random.js";

const KEY_SIZE = 8;
const CONFOUNDER_SIZE = 8;
const HASH_SIZE = 16;
const HEADER_SIZE = CONFOUNDER_SIZE + HASH_SIZE;
/** "Initial cipher state: all-zero." */
const ZERO_IV = new Uint8Array(BLOCK_SIZE);

/** The row of etype 3. */
export const DES_CBC_MD5: EncryptionType = Object.freeze<EncryptionType>({
  etype: 3,
  name: "des-cbc-md5",
  alias: "des",
  keySize: KEY_SIZE,
  messageBlockSize: BLOCK_SIZE,
  checksumType: 8,
  checksumSize: HEADER_SIZE,
  layout: [
    {
      kind: "confounder",
      size: CONFOUNDER_SIZE,
      enciphered: true,
      explanation:
        "One random block, so that the same message never gives the same ciphertext (RFC 3961 §6.2.1).",
    },
    {
      kind: "checksum",
      size: HASH_SIZE,
      enciphered: true,
      explanation:
        "MD5 over the whole text with zeros in this place: who changes the ciphertext without the key " +
        "can't make it right again (RFC 3961 §6.2.1).",
    },
    { kind: "message", size: undefined, enciphered: true, explanation: "What is sealed (RFC 3961 §6.2.1)." },
    {
      kind: "padding",
      size: undefined,
      enciphered: true,
      explanation: "Zeros up to the end of the block of 8 bytes (RFC 3961 §6.2.1).",
    },
  ],
  integrity: true,
  weak: true,
  profiles: { textbook: "new-keys", standard: "refused" },
  iterations: undefined,

  generateKey(random: RandomSource = systemRandom) {
    return generateDesKey(KEY_SIZE, random);
  },

  async stringToKey(password: string, salt: Uint8Array, params?: Uint8Array) {
    requireMitParams(params);
    return mitDesStringToKey(password, salt);
  },

  useKey(key: Uint8Array) {
    requireDesKey(key, KEY_SIZE);
    return new DesCbcMd5Key(key);
  },
});

/**
 * Throws a RangeError unless `params` choose mit_des_string_to_key: absent, empty or one zero byte (RFC 3961
 * §6.2). A one would choose AFS's algorithm, which is not here.
 */
export function requireMitParams(params: Uint8Array | undefined): void {
  if (params === undefined || params.length === 0 || (params.length === 1 && params[0] === 0)) return;
  throw new RangeError(
    `params: expected none or one zero byte, got ${params.length === 1 ? params[0] : `${params.length} bytes`}`,
  );
}

class DesCbcMd5Key implements CipherKey {
  readonly #schedule: KeySchedule;
  readonly #variant: Uint8Array;
  #checksumSchedule: KeySchedule | undefined;
  #wiped = false;

  constructor(key: Uint8Array) {
    this.#schedule = createKeySchedule(key);
    // §6.2.4: "key XOR 0xF0F0F0F0F0F0F0F0".
    this.#variant = key.map((byte) => byte ^ 0xf0);
  }

  encrypt(usage: number, plaintext: Uint8Array, random: RandomSource = systemRandom): Uint8Array {
    this.#require(usage);
    // §6.2.1: des-cbc(confounder | checksum | msg | pad), the checksum md5(confounder | 0000... | msg | pad).
    const text = new Uint8Array(HEADER_SIZE + Math.ceil(plaintext.length / BLOCK_SIZE) * BLOCK_SIZE);
    text.set(takeRandom(random, CONFOUNDER_SIZE));
    text.set(plaintext, HEADER_SIZE);
    text.set(md5(text), CONFOUNDER_SIZE);
    return encryptCbc(this.#schedule, ZERO_IV, text, text);
  }

  decrypt(usage: number, ciphertext: Uint8Array): Uint8Array {
    const text = this.decryptWhole(usage, ciphertext);
    const plaintext = text.slice(HEADER_SIZE);
    text.fill(0);
    return plaintext;
  }

  decryptWhole(usage: number, ciphertext: Uint8Array): Uint8Array {
    this.#require(usage);
    if (ciphertext.length < HEADER_SIZE || ciphertext.length % BLOCK_SIZE !== 0) throw new DecryptionError();
    const text = decryptCbc(this.#schedule, ZERO_IV, ciphertext);
    const claimed = text.slice(CONFOUNDER_SIZE, HEADER_SIZE);
    text.fill(0, CONFOUNDER_SIZE, HEADER_SIZE);
    const right = equalBytes(md5(text), claimed);
    text.set(claimed, CONFOUNDER_SIZE);
    if (right) return text;
    text.fill(0);
    throw new DecryptionError();
  }

  checksum(usage: number, data: Octets, random: RandomSource = systemRandom): Uint8Array {
    const schedule = this.#checksumKey(usage);
    // §6.2.4: des-cbc(key XOR 0xF0..., conf | rsa-md5(conf | msg)).
    const confounder = takeRandom(random, CONFOUNDER_SIZE);
    const text = new Uint8Array(HEADER_SIZE);
    text.set(confounder);
    text.set(confoundedMd5(confounder, inOnePiece(data)), CONFOUNDER_SIZE);
    return encryptCbc(schedule, ZERO_IV, text, text);
  }

  verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): boolean {
    const schedule = this.#checksumKey(usage);
    if (checksum.length !== HEADER_SIZE) return false;
    const text = decryptCbc(schedule, ZERO_IV, checksum);
    const right = confoundedMd5(text.subarray(0, CONFOUNDER_SIZE), data);
    return equalBytes(right, text.subarray(CONFOUNDER_SIZE));
  }

  wipe(): void {
    this.#wiped = true;
    wipeKeySchedule(this.#schedule);
    this.#variant.fill(0);
    if (this.#checksumSchedule !== undefined) wipeKeySchedule(this.#checksumSchedule);
  }

  #checksumKey(usage: number): KeySchedule {
    this.#require(usage);
    this.#checksumSchedule ??= createKeySchedule(this.#variant);
    return this.#checksumSchedule;
  }

  #require(usage: number): void {
    if (this.#wiped) throw new Error("key: already wiped");
    requireUsage(usage);
  }
}

function confoundedMd5(confounder: Uint8Array, data: Uint8Array): Uint8Array {
  const text = new Uint8Array(confounder.length + data.length);
  text.set(confounder);
  text.set(data, confounder.length);
  return md5(text);
}
