/**
 * AES in CBC mode with ciphertext stealing (RFC 3962 §5, RFC 8009 §5: the last two blocks always swapped)
 * from an all-zero initial vector, for messages that begin with a 16-byte confounder.
 *
 * One native cipher serves all messages under a key, because making one costs several times as much as using
 * it. Both carry on from the last block of the message before:
 * - the encryptor's is XORed into the first block of the next message, which cancels it and leaves the zero
 *   vector;
 * - the decryptor's falsifies the first block of the next message alone: the confounder, which nobody reads.
 */
import { type Cipher, createCipheriv, createDecipheriv, type Decipher } from "node:crypto";

/** Block size of AES, and the size of the confounder. */
export const AES_BLOCK_SIZE = 16;

const ZERO_IV = new Uint8Array(AES_BLOCK_SIZE);
const scratch = new Uint8Array(4096);
const wholeBlock = new Uint8Array(AES_BLOCK_SIZE);

/** One AES key, 16 or 32 bytes, in this mode. */
export class AesCts {
  readonly #key: Uint8Array;
  #encryptor: Cipher | undefined;
  /** The block that the encryptor carries on from. */
  readonly #lastMade = new Uint8Array(AES_BLOCK_SIZE);
  #decryptor: Decipher | undefined;
  /** The block that the decryptor carries on from. */
  readonly #lastRead = new Uint8Array(AES_BLOCK_SIZE);

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
    const last = startOfLastBlock(size);
    const padded = last + AES_BLOCK_SIZE;
    const lastMade = this.#lastMade;
    if (padded <= scratch.length) {
      const text = scratch.subarray(0, padded);
      for (let i = 0; i < AES_BLOCK_SIZE; i++) text[i] = confounder[i]! ^ lastMade[i]!;
      text.set(plaintext, AES_BLOCK_SIZE);
      text.fill(0, size);
      const blocks = this.#encryptBlocks(text);
      text.fill(0);
      out.set(blocks.subarray(0, size));
      for (let i = 0; i < AES_BLOCK_SIZE; i++) lastMade[i] = blocks[last + i]!;
    } else {
      // A long text is not copied: the native cipher keeps what does not fill a block until the rest comes.
      const first = confounder.map((byte, i) => byte ^ lastMade[i]!);
      out.set(this.#encryptBlocks(first));
      const blocks = this.#encryptBlocks(plaintext);
      out.set(blocks, AES_BLOCK_SIZE);
      const rest = this.#encryptBlocks(ZERO_IV.subarray(0, padded - size));
      lastMade.set(rest.length > 0 ? rest : blocks.subarray(-AES_BLOCK_SIZE));
    }
    if (last === 0) return;
    // The last block goes before the one it stole from, which is cut to the length of the text.
    const stolen = last - AES_BLOCK_SIZE;
    out.copyWithin(last, stolen, stolen + size - last);
    for (let i = 0; i < AES_BLOCK_SIZE; i++) out[stolen + i] = lastMade[i]!;
  }

  /**
   * Deciphers at least 16 bytes and drops the confounder.
   * @returns the plaintext, 16 bytes shorter, the caller's; its `buffer` holds the confounder's place too.
   */
  decrypt(ciphertext: Uint8Array): Uint8Array {
    const size = ciphertext.length;
    if (size === AES_BLOCK_SIZE) return new Uint8Array();

    // In the order of CBC: the last two blocks change places, and the one that was cut gets back what the
    // other carries of it.
    const last = startOfLastBlock(size);
    const stolen = last - AES_BLOCK_SIZE;
    const padded = last + AES_BLOCK_SIZE;
    const blocks = padded <= scratch.length ? scratch.subarray(0, padded) : Buffer.allocUnsafe(padded);
    blocks.set(ciphertext);
    blocks.copyWithin(last, stolen, last);
    for (let i = 0; i < AES_BLOCK_SIZE; i++) wholeBlock[i] = ciphertext[stolen + i]!;
    const lastRead = this.#lastRead;
    const carried = this.#decryptBlocks(wholeBlock);
    for (let i = 0; i < AES_BLOCK_SIZE; i++) {
      const travelled = last + i < size;
      blocks[stolen + i] = travelled ? ciphertext[last + i]! : carried[i]! ^ lastRead[i]!;
    }
    carried.fill(0);
    const text = this.#decryptBlocks(blocks);
    for (let i = 0; i < AES_BLOCK_SIZE; i++) lastRead[i] = wholeBlock[i]!;
    return new Uint8Array(text.buffer, text.byteOffset + AES_BLOCK_SIZE, size - AES_BLOCK_SIZE);
  }

  /** Deciphers at least 16 bytes, the confounder too. The text is the caller's. */
  decryptWhole(ciphertext: Uint8Array): Uint8Array {
    if (ciphertext.length === AES_BLOCK_SIZE) {
      const confounder = this.#decryptBlocks(ciphertext).map((byte, i) => byte ^ this.#lastRead[i]!);
      this.#lastRead.set(ciphertext);
      return Uint8Array.from(confounder);
    }
    const plaintext = this.decrypt(ciphertext);
    const whole = new Uint8Array(
      plaintext.buffer,
      plaintext.byteOffset - AES_BLOCK_SIZE,
      AES_BLOCK_SIZE + plaintext.length,
    );
    // Before the confounder the decryptor read the block that it has now read last.
    for (let i = 0; i < AES_BLOCK_SIZE; i++) whole[i]! ^= this.#lastRead[i]!;
    return whole;
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
      this.#decryptor = createDecipheriv(`aes-${this.#key.length * 8}-cbc`, this.#key, ZERO_IV);
      this.#decryptor.setAutoPadding(false);
    }
    return this.#decryptor.update(blocks);
  }
}

/** Where the last block of a text of `size` bytes begins; it may be cut. */
function startOfLastBlock(size: number): number {
  return (Math.ceil(size / AES_BLOCK_SIZE) - 1) * AES_BLOCK_SIZE;
}
