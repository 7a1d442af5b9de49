/** Encryption type 20, aes256-cts-hmac-sha384-192 (RFC 8009): the only one of the exercise. Done for you. */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** The number of the encryption type, and of its checksum type. */
export const ETYPE = 20;
const KEY_SIZE = 32;
const MAC_SIZE = 24;
const BLOCK = 16;
const ZERO_IV = Buffer.alloc(BLOCK);

/** The key does not open it: another key, another usage, or changed bytes. */
export class DoesNotOpen extends Error {}

/** A key of type 20. */
export class Key {
  readonly bytes: Uint8Array;

  /** @throws RangeError unless there are 32 bytes. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== KEY_SIZE) throw new RangeError(`a key has ${KEY_SIZE} bytes, not ${bytes.length}`);
    this.bytes = bytes;
  }

  /** A fresh key. */
  static random(): Key {
    return new Key(randomBytes(KEY_SIZE));
  }

  /** RFC 8009 §5: a confounder before the plaintext, AES in CBC with ciphertext stealing, then a MAC. */
  encrypt(usage: number, plaintext: Uint8Array): Uint8Array {
    const text = Buffer.concat([randomBytes(BLOCK), plaintext]);
    const tail = text.length % BLOCK || BLOCK;
    const padded = Buffer.concat([text, Buffer.alloc(BLOCK - tail)]);
    const cipher = createCipheriv("aes-256-cbc", this.#derived(usage, 0xaa, KEY_SIZE), ZERO_IV);
    const blocks = cipher.setAutoPadding(false).update(padded);
    // The last two blocks change places, and what is too much of the last is cut off.
    const sealed = Buffer.concat([
      blocks.subarray(0, -2 * BLOCK),
      blocks.subarray(-BLOCK),
      blocks.subarray(-2 * BLOCK, -2 * BLOCK + tail),
    ]);
    return Buffer.concat([sealed, this.#mac(usage, sealed)]);
  }

  /** @throws DoesNotOpen. */
  decrypt(usage: number, data: Uint8Array): Uint8Array {
    const sealed = data.subarray(0, -MAC_SIZE);
    if (sealed.length <= BLOCK || !equal(data.subarray(-MAC_SIZE), this.#mac(usage, sealed)))
      throw new DoesNotOpen();
    const key = this.#derived(usage, 0xaa, KEY_SIZE);
    const open = (blocks: Uint8Array) =>
      createDecipheriv("aes-256-cbc", key, ZERO_IV).setAutoPadding(false).update(blocks);
    const tail = sealed.length % BLOCK || BLOCK;
    const last = sealed.subarray(-BLOCK - tail, -tail);
    // Deciphered alone, the block that went last yields what was cut off the other.
    const filler = open(last).subarray(tail);
    const blocks = [sealed.subarray(0, -BLOCK - tail), sealed.subarray(-tail), filler, last];
    return open(Buffer.concat(blocks)).subarray(BLOCK, sealed.length);
  }

  /** Whether a checksum of type 20 under this key covers the data. */
  verifies(usage: number, data: Uint8Array, checksum: Uint8Array): boolean {
    return equal(checksum, hmac(this.#derived(usage, 0x99, MAC_SIZE), data).subarray(0, MAC_SIZE));
  }

  #mac(usage: number, sealed: Uint8Array): Uint8Array {
    return hmac(this.#derived(usage, 0x55, MAC_SIZE), ZERO_IV, sealed).subarray(0, MAC_SIZE);
  }

  /** RFC 8009 §3: the key for one usage and one purpose. */
  #derived(usage: number, purpose: number, size: number): Uint8Array {
    const input = Buffer.alloc(14);
    input.writeUint32BE(1, 0);
    input.writeUint32BE(usage, 4);
    input.writeUint8(purpose, 8);
    input.writeUint32BE(size * 8, 10);
    return hmac(this.bytes, input).subarray(0, size);
  }
}

function hmac(key: Uint8Array, ...parts: Uint8Array[]): Buffer {
  const made = createHmac("sha384", key);
  for (const part of parts) made.update(part);
  return made.digest();
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
