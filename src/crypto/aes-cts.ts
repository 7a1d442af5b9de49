/**
 * AES in CBC mode with ciphertext stealing (RFC 3962 §5, RFC 8009 §5: the last two blocks always swapped)
 * from an all-zero initial vector, for messages that begin with a 16-byte confounder.
 *
 * One native cipher serves all messages under a key, because making one costs several times as much as using
 * it:
 * - a CBC encryptor carries on from the last block it returned. That block is XORed into the first block of
 *   the next message, which cancels it and leaves the zero vector;
 * - an ECB decryptor has no state; the chaining is XORed in here.
 */
import { type Cipher, createCipheriv, createDecipheriv, type Decipher } from "node:crypto";

/** Block size of AES, and the size of the confounder. */
export const AES_BLOCK_SIZE = 16;

const ZERO_IV = new Uint8Array(AES_BLOCK_SIZE);
const textScratch = new Uint8Array(4096);
const stolenBlock = new Uint8Array(AES_BLOCK_SIZE);

/** One AES key, 16 or 32 bytes, in this mode. */
export class AesCts {
  readonly #key: Uint8Array;
  #encryptor: Cipher | undefined;
  /** The block that the encryptor carries on from. */
  readonly #chain = new Uint8Array(AES_BLOCK_SIZE);
  #decryptor: Decipher | undefined;

  /** Takes over `key`: keeps it, and overwrites it in `wipe`. */
  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /**
   * Enciphers `confounder` (16 bytes) and `plaintext` into the first bytes of `out`, as many as the two have
   * together.
   */
  encrypt(confounder: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    const size = AES_BLOCK_SIZE + plaintext.length;
    const padded = Math.ceil(size / AES_BLOCK_SIZE) * AES_BLOCK_SIZE;
    const text = padded <= textScratch.length ? textScratch.subarray(0, padded) : new Uint8Array(padded);
    for (let i = 0; i < AES_BLOCK_SIZE; i++) text[i] = confounder[i]! ^ this.#chain[i]!;
    text.set(plaintext, AES_BLOCK_SIZE);
    text.fill(0, size);
    const blocks = this.#encryptBlocks(text);
    text.fill(0);

    const last = padded - AES_BLOCK_SIZE;
    for (let i = 0; i < AES_BLOCK_SIZE; i++) this.#chain[i] = blocks[last + i]!;
    if (last === 0) {
      out.set(blocks);
      return;
    }
    // The last block goes before the one it stole from, which is cut to the length of the text.
    const stolen = last - AES_BLOCK_SIZE;
    out.set(blocks.subarray(0, stolen));
    for (let i = 0; i < AES_BLOCK_SIZE; i++) out[stolen + i] = this.#chain[i]!;
    for (let i = last; i < size; i++) out[i] = blocks[i - AES_BLOCK_SIZE]!;
  }

  /**
   * Deciphers at least 16 bytes and drops the confounder.
   * @returns the plaintext, 16 bytes shorter, the caller's; its `buffer` holds the confounder too.
   */
  decrypt(ciphertext: Uint8Array): Uint8Array {
    const size = ciphertext.length;
    if (size === AES_BLOCK_SIZE) return new Uint8Array();

    // Where the last two blocks begin as they travel: first the whole one, then what is left of the one
    // before it.
    const last = (Math.ceil(size / AES_BLOCK_SIZE) - 1) * AES_BLOCK_SIZE;
    const whole = last - AES_BLOCK_SIZE;
    const text = this.#decryptBlocks(padded(ciphertext, last + AES_BLOCK_SIZE));

    // CBC: P[k] = D(C[k]) XOR C[k-1]. P[1] is the confounder, which nobody reads.
    for (let i = AES_BLOCK_SIZE; i < whole; i++) text[i] = text[i]! ^ ciphertext[i - AES_BLOCK_SIZE]!;

    // The block before the last is put together from what travelled of it and what the last one carried.
    for (let i = 0; i < AES_BLOCK_SIZE; i++) {
      const carried = text[whole + i]!;
      const travelled = last + i < size;
      stolenBlock[i] = travelled ? ciphertext[last + i]! : carried;
      if (travelled) text[last + i] = carried ^ ciphertext[last + i]!;
    }
    if (whole > 0) {
      const block = this.#decryptBlocks(stolenBlock);
      for (let i = 0; i < AES_BLOCK_SIZE; i++)
        text[whole + i] = block[i]! ^ ciphertext[whole - AES_BLOCK_SIZE + i]!;
      block.fill(0);
    }
    stolenBlock.fill(0);
    return new Uint8Array(text.buffer, text.byteOffset + AES_BLOCK_SIZE, size - AES_BLOCK_SIZE);
  }

  /** Overwrites the key and releases the native ciphers, which clear their own copies. */
  wipe(): void {
    this.#key.fill(0);
    this.#encryptor?.final();
    this.#decryptor?.final();
    this.#encryptor = undefined;
    this.#decryptor = undefined;
  }

  #encryptBlocks(text: Uint8Array): Uint8Array {
    if (this.#encryptor === undefined) {
      this.#encryptor = createCipheriv(`aes-${this.#key.length * 8}-cbc`, this.#key, ZERO_IV);
      this.#encryptor.setAutoPadding(false);
    }
    return this.#encryptor.update(text);
  }

  #decryptBlocks(blocks: Uint8Array): Uint8Array {
    if (this.#decryptor === undefined) {
      this.#decryptor = createDecipheriv(`aes-${this.#key.length * 8}-ecb`, this.#key, null);
      this.#decryptor.setAutoPadding(false);
    }
    return this.#decryptor.update(blocks);
  }
}

/** `bytes` followed by zeros up to `size`, in a buffer that the next call overwrites. */
function padded(bytes: Uint8Array, size: number): Uint8Array {
  if (size === bytes.length) return bytes;
  const buffer = size <= textScratch.length ? textScratch.subarray(0, size) : new Uint8Array(size);
  buffer.set(bytes);
  buffer.fill(0, bytes.length);
  return buffer;
}
