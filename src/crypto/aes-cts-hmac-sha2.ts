/**
 * aes128-cts-hmac-sha256-128 and aes256-cts-hmac-sha384-192, encryption types and checksum types 19 and 20
 * (RFC 8009).
 *
 * Encrypt, then MAC, with a separate key for each key usage and each purpose. One factory makes both rows.
 */
import { pbkdf2 } from "node:crypto";
import { AES_BLOCK_SIZE, AesCts } from "./aes-cts.js";
import { encodePassword, requireKeySize } from "./argument-checks.js";
import {
  type CipherKey,
  DecryptionError,
  type EncryptionType,
  type Iterations,
  type RandomSource,
} from "./encryption-type.js";
import { equalBytes } from "./equal-bytes.js";
import { type HmacHash, hmac, SHA256, SHA384 } from "./hmac.js";
import { concatBytes, type Octets, writeUint32 } from "./octets.js";
import { systemRandom, takeRandom } from "./random.js";
import { DerivedKey, PURPOSE, UsageKeys, usageConstant } from "./usage-keys.js";

/** PBKDF2's iteration count: four bytes, most significant first (RFC 8009 §4). */
const ITERATIONS: Iterations = Object.freeze({
  default: 32_768,
  /** They keep one processor busy for about ten seconds. */
  most: 10_000_000,

  toParams(count: number) {
    const params = new Uint8Array(4);
    writeUint32(params, 0, count);
    return params;
  },

  inParams(params: Uint8Array) {
    if (params.length !== 4) return undefined;
    return new DataView(params.buffer, params.byteOffset, 4).getUint32(0);
  },
});

/** What tells the two types apart (RFC 8009 §5 and §6). */
export interface AesSha2Profile {
  readonly etype: number;
  readonly name: string;
  readonly alias: string;
  /** Size in bytes of the protocol key and of Ke. */
  readonly keySize: number;
  /** Size in bytes of Ki, Kc and every MAC. */
  readonly macSize: number;
  readonly hash: HmacHash;
}

/** The parameters of etype 19. */
export const AES128_PROFILE: AesSha2Profile = Object.freeze({
  etype: 19,
  name: "aes128-cts-hmac-sha256-128",
  alias: "aes128",
  keySize: 16,
  macSize: 16,
  hash: SHA256,
});

/** The parameters of etype 20. */
export const AES256_PROFILE: AesSha2Profile = Object.freeze({
  etype: 20,
  name: "aes256-cts-hmac-sha384-192",
  alias: "aes256",
  keySize: 32,
  macSize: 24,
  hash: SHA384,
});

/** The row of etype 19. */
export const AES128_CTS_HMAC_SHA256_128: EncryptionType = aesSha2EncryptionType(AES128_PROFILE);

/** The row of etype 20. */
export const AES256_CTS_HMAC_SHA384_192: EncryptionType = aesSha2EncryptionType(AES256_PROFILE);

const ascii = new TextEncoder();
/** §4: "label" of string-to-key. */
const KERBEROS = ascii.encode("kerberos");
const NO_CONTEXT = new Uint8Array();
/** §5: the initial cipher state, which the MAC covers too. */
const ZERO_IV = new Uint8Array(AES_BLOCK_SIZE);

function aesSha2EncryptionType(profile: AesSha2Profile): EncryptionType {
  const { etype, name, alias, keySize, macSize } = profile;
  return Object.freeze<EncryptionType>({
    etype,
    name,
    alias,
    keySize,
    // Ciphertext stealing: nothing is padded.
    messageBlockSize: 1,
    checksumType: etype,
    checksumSize: macSize,
    layout: [
      {
        kind: "confounder",
        size: AES_BLOCK_SIZE,
        enciphered: true,
        explanation:
          "One random block, so that the same message never gives the same ciphertext (RFC 8009 §5).",
      },
      {
        kind: "message",
        size: undefined,
        enciphered: true,
        explanation: "What is sealed; ciphertext stealing needs no padding (RFC 8009 §5).",
      },
      {
        kind: "checksum",
        size: macSize,
        enciphered: false,
        explanation:
          `The first ${macSize} bytes of an HMAC over the ciphertext under Ki, which is derived from the key for ` +
          "this key usage alone; it is checked before anything is deciphered (RFC 8009 §5).",
      },
    ],
    integrity: true,
    weak: false,
    profiles: { textbook: "permitted", standard: "new-keys" },
    iterations: ITERATIONS,

    generateKey(random: RandomSource = systemRandom) {
      // §5, random-to-key: the identity.
      return takeRandom(random, keySize);
    },

    async stringToKey(password: string, salt: Uint8Array, params?: Uint8Array) {
      const count = params === undefined ? ITERATIONS.default : requireCount(params);
      return stringToKey(profile, password, salt, count);
    },

    useKey(key: Uint8Array) {
      requireKeySize(key, keySize);
      return new AesSha2Key(profile, key);
    },
  });
}

/**
 * KDF-HMAC-SHA2(key, label, context, k) of RFC 8009 §3. Gives `size` bytes, no more than one output of the
 * hash, in a new buffer that is the caller's.
 */
export function kdfHmacSha2(
  hash: HmacHash,
  key: Uint8Array,
  label: Uint8Array,
  context: Uint8Array,
  size: number,
): Uint8Array {
  // 0x00000001 | label | 0x00 | [context |] k, with k in bits as four bytes.
  const input = new Uint8Array(4 + label.length + 1 + context.length + 4);
  input[3] = 1;
  input.set(label, 4);
  input.set(context, 4 + label.length + 1);
  writeUint32(input, input.length - 4, size * 8);
  return hmac(hash, size, key, input);
}

/**
 * The count in the parameters. Zero, which means 2³² in RFC 3962, is refused like any other that is out of
 * range.
 */
function requireCount(params: Uint8Array): number {
  const count = ITERATIONS.inParams(params);
  if (count === undefined) throw new RangeError(`params: expected 4 bytes, got ${params.length}`);
  if (count < 1 || count > ITERATIONS.most)
    throw new RangeError(`params: expected 1 to ${ITERATIONS.most} iterations, got ${count}`);
  return count;
}

async function stringToKey(
  profile: AesSha2Profile,
  password: string,
  salt: Uint8Array,
  count: number,
): Promise<Uint8Array> {
  const secret = encodePassword(password);
  // §4: saltp = enctype-name | 0x00 | salt; tkey = PBKDF2(passphrase, saltp, iter_count, keylength).
  const namedSalt = concatBytes(ascii.encode(`${profile.name}\0`), salt);
  try {
    const temporary = await new Promise<Uint8Array>((resolve, reject) => {
      pbkdf2(secret, namedSalt, count, profile.keySize, profile.hash.name, (error, key) => {
        if (error === null) resolve(key);
        else reject(error);
      });
    });
    // §4: base-key = random-to-key(KDF-HMAC-SHA2(tkey, "kerberos", keylength)).
    const key = kdfHmacSha2(profile.hash, temporary, KERBEROS, NO_CONTEXT, profile.keySize);
    temporary.fill(0);
    return key;
  } finally {
    secret.fill(0);
  }
}

class AesSha2Key implements CipherKey {
  readonly #profile: AesSha2Profile;
  readonly #base: Uint8Array;
  readonly #seals: UsageKeys<SealKeys>;
  readonly #checksums: UsageKeys<DerivedKey>;

  constructor(profile: AesSha2Profile, key: Uint8Array) {
    this.#profile = profile;
    this.#base = new Uint8Array(key);
    this.#seals = new UsageKeys((usage) => {
      const ke = this.#derive(usage, PURPOSE.seal, profile.keySize);
      return new SealKeys(this.#derive(usage, PURPOSE.guard, profile.macSize), new AesCts(ke));
    });
    this.#checksums = new UsageKeys(
      (usage) => new DerivedKey(this.#derive(usage, PURPOSE.checksum, profile.macSize)),
    );
  }

  encrypt(usage: number, plaintext: Uint8Array, random: RandomSource = systemRandom): Uint8Array {
    const { hash, macSize } = this.#profile;
    const { aes, ki } = this.#seals.get(usage);
    const confounder = takeRandom(random, AES_BLOCK_SIZE);
    const textSize = AES_BLOCK_SIZE + plaintext.length;
    // §5: C = E(Ke, N | plaintext, IV); H = HMAC(Ki, IV | C); ciphertext = C | H[1..h].
    const sealed = ciphertextBytes(textSize + macSize);
    aes.encrypt(confounder, plaintext, sealed);
    sealed.set(hmac(hash, macSize, ki, ZERO_IV, sealed.subarray(0, textSize)), textSize);
    return sealed;
  }

  decrypt(usage: number, ciphertext: Uint8Array): Uint8Array {
    return this.#seals.get(usage).aes.decrypt(this.#verified(usage, ciphertext));
  }

  decryptWhole(usage: number, ciphertext: Uint8Array): Uint8Array {
    const enciphered = this.#verified(usage, ciphertext);
    const text = this.#seals.get(usage).aes.decryptWhole(enciphered);
    const whole = concatBytes(text, ciphertext.subarray(enciphered.length));
    text.fill(0);
    return whole;
  }

  /** What is enciphered: a view. §5: the MAC is verified before anything is deciphered. */
  #verified(usage: number, ciphertext: Uint8Array): Uint8Array {
    const { hash, macSize } = this.#profile;
    const { ki } = this.#seals.get(usage);
    const textSize = ciphertext.length - macSize;
    if (textSize < AES_BLOCK_SIZE) throw new DecryptionError();
    const text = ciphertext.subarray(0, textSize);
    if (!equalBytes(hmac(hash, macSize, ki, ZERO_IV, text), ciphertext.subarray(textSize)))
      throw new DecryptionError();
    return text;
  }

  checksum(usage: number, data: Octets): Uint8Array {
    const { hash, macSize } = this.#profile;
    // §6: HMAC(Kc, msg)[1..h].
    const kc = this.#checksums.get(usage).bytes;
    return data instanceof Uint8Array ? hmac(hash, macSize, kc, data) : hmac(hash, macSize, kc, ...data);
  }

  verifyChecksum(usage: number, data: Uint8Array, checksum: Uint8Array): boolean {
    return equalBytes(this.checksum(usage, data), checksum);
  }

  wipe(): void {
    this.#base.fill(0);
    this.#seals.wipe();
    this.#checksums.wipe();
  }

  /** §5: KDF-HMAC-SHA2(base-key, usage | purpose, size). */
  #derive(usage: number, purpose: number, size: number): Uint8Array {
    return kdfHmacSha2(this.#profile.hash, this.#base, usageConstant(usage, purpose), NO_CONTEXT, size);
  }
}

class SealKeys {
  readonly ki: Uint8Array;
  readonly aes: AesCts;

  constructor(ki: Uint8Array, aes: AesCts) {
    this.ki = ki;
    this.aes = aes;
  }

  wipe(): void {
    this.ki.fill(0);
    this.aes.wipe();
  }
}

/**
 * Room for a ciphertext in Node's pool: V8 keeps arrays of more than 64 bytes outside its heap, and
 * allocating one there costs as much as a hash. Never for keys or plaintext: only arrays of their own can be
 * wiped and be gone.
 */
function ciphertextBytes(size: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(size);
  return new Uint8Array(buffer, byteOffset, size);
}
