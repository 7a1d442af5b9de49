/**
 * HMAC (RFC 2104). A short text is hashed by two one-shot hashes over buffers that are reused: an Hmac object
 * of `node:crypto` costs three times as much, and has to be collected. Whatever passes through the buffers is
 * overwritten before the call ends. A long text goes to an Hmac object, which takes it without a copy.
 */
import { createHmac, hash } from "node:crypto";
import { bytesOfLatin1, type HashName } from "./hash.js";

/** A hash function with the sizes HMAC needs to know, in bytes. */
export interface HmacHash {
  readonly name: HashName;
  /** RFC 2104's B: how much one step of the hash takes in. */
  readonly blockSize: number;
  /** RFC 2104's L: the size of the hash. */
  readonly digestSize: number;
}

export const SHA1: HmacHash = Object.freeze({ name: "sha1", blockSize: 64, digestSize: 20 });
export const SHA256: HmacHash = Object.freeze({ name: "sha256", blockSize: 64, digestSize: 32 });
export const SHA384: HmacHash = Object.freeze({ name: "sha384", blockSize: 128, digestSize: 48 });

/**
 * The first `size` bytes of HMAC(key, text), in a new buffer that is the caller's.
 * @param text in parts, one after the other.
 * @throws RangeError for a key longer than a block of the hash, as no key here is.
 */
export function hmac(
  algorithm: HmacHash,
  size: number,
  key: Uint8Array,
  ...text: readonly Uint8Array[]
): Uint8Array {
  const { name, blockSize, digestSize } = algorithm;
  if (key.length > blockSize)
    throw new RangeError(`key: expected at most ${blockSize} bytes, got ${key.length}`);
  let end = blockSize;
  for (const part of text) end += part.length;
  if (end > scratch.length) return hmacOfLong(algorithm, size, key, text);

  // RFC 2104 §2: H(K XOR opad, H(K XOR ipad, text)).
  const inner = buffer(end);
  writePaddedKey(inner, key, blockSize, 0x36);
  let at = blockSize;
  for (const part of text) {
    inner.set(part, at);
    at += part.length;
  }
  const innerText = hash(name, inner, "binary");
  inner.fill(0);

  const outer = buffer(blockSize + digestSize);
  writePaddedKey(outer, key, blockSize, 0x5c);
  for (let i = 0; i < digestSize; i++) outer[blockSize + i] = innerText.charCodeAt(i);
  const outerText = hash(name, outer, "binary");
  outer.fill(0);
  return bytesOfLatin1(outerText, size);
}

function hmacOfLong(
  { name }: HmacHash,
  size: number,
  key: Uint8Array,
  text: readonly Uint8Array[],
): Uint8Array {
  const mac = createHmac(name, key);
  for (const part of text) mac.update(part);
  return bytesOfLatin1(mac.digest("binary"), size);
}

const scratch = new Uint8Array(4096);
/** Views of the scratch by their length, each made once. */
const views = new Array<Uint8Array | undefined>(scratch.length + 1);

/** The first `size` bytes of the scratch, good until the next call. */
function buffer(size: number): Uint8Array {
  let view = views[size];
  if (view === undefined) {
    view = scratch.subarray(0, size);
    views[size] = view;
  }
  return view;
}

function writePaddedKey(block: Uint8Array, key: Uint8Array, blockSize: number, pad: number): void {
  for (let i = 0; i < key.length; i++) block[i] = key[i]! ^ pad;
  block.fill(pad, key.length, blockSize);
}
