/** Cipher block chaining mode (FIPS 81 §3; SP 800-38A §6.2): each plaintext block meets the ciphertext before it. */
import { BLOCK_SIZE, requireSize, requireWholeBlocks } from "./argument-checks.js";
import { encipherChained } from "./box-rounds.js";
import { boxSubkeys, type KeySchedule, pairSubkeys } from "./key-schedule.js";
import { permuteIn, permuteOut, runRounds } from "./pair-rounds.js";
import { BYTES, CHAIN, CHUNK_SIZE, loadBackward, loadForward, WORDS, wipeWorkspace } from "./workspace.js";

/**
 * Enciphers whole blocks of 8 bytes, chained from `iv` (8 bytes), into a new buffer, the caller's; RangeError for any
 * other length.
 */
export function encryptCbc(schedule: KeySchedule, iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
  requireSize("iv", iv, BLOCK_SIZE);
  requireWholeBlocks("plaintext", plaintext);
  const subkeys = boxSubkeys(schedule);
  loadForward(subkeys);
  const size = plaintext.length;
  if (size <= CHUNK_SIZE) {
    BYTES.set(plaintext);
    meetFirstBlock(iv, 0);
    encipherChained(size, subkeys.length);
    const ciphertext = BYTES.slice(0, size);
    wipeWorkspace(size);
    return ciphertext;
  }
  const ciphertext = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += CHUNK_SIZE) {
    const chunk = plaintext.subarray(offset, offset + CHUNK_SIZE);
    BYTES.set(chunk);
    if (offset === 0) {
      meetFirstBlock(iv, 0);
    } else {
      meetFirstBlock(ciphertext, offset - BLOCK_SIZE);
    }
    encipherChained(chunk.length, subkeys.length);
    ciphertext.set(BYTES.subarray(0, chunk.length), offset);
  }
  wipeWorkspace(CHUNK_SIZE);
  return ciphertext;
}

/**
 * Deciphers whole blocks of 8 bytes, chained from `iv` (8 bytes), into a new buffer, the caller's; RangeError for any
 * other length.
 */
export function decryptCbc(schedule: KeySchedule, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  requireSize("iv", iv, BLOCK_SIZE);
  requireWholeBlocks("ciphertext", ciphertext);
  const subkeys = pairSubkeys(schedule);
  loadBackward(subkeys);
  const size = ciphertext.length;
  if (size <= CHUNK_SIZE) {
    BYTES.set(ciphertext);
    decipherChained(size, subkeys.length);
    meetFirstBlock(iv, 0);
    const plaintext = BYTES.slice(0, size);
    wipeWorkspace(size);
    return plaintext;
  }
  const plaintext = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += CHUNK_SIZE) {
    const chunk = ciphertext.subarray(offset, offset + CHUNK_SIZE);
    BYTES.set(chunk);
    decipherChained(chunk.length, subkeys.length);
    if (offset === 0) {
      meetFirstBlock(iv, 0);
    } else {
      meetFirstBlock(ciphertext, offset - BLOCK_SIZE);
    }
    plaintext.set(BYTES.subarray(0, chunk.length), offset);
  }
  wipeWorkspace(CHUNK_SIZE);
  return plaintext;
}

/** XORs the first block of the workspace with the block at `chain[offset]`, the IV or the ciphertext before. */
function meetFirstBlock(chain: Uint8Array, offset: number): void {
  for (let i = 0; i < BLOCK_SIZE; i++) {
    BYTES[i]! ^= chain[offset + i]!;
  }
}

/**
 * Deciphers the workspace in place, each block after the first XORed with the ciphertext before it. IP only moves bits, so
 * the XOR may as well be made before the inverse of IP, a word at a time.
 */
function decipherChained(size: number, subkeyCount: number): void {
  const words = size >>> 2;
  permuteIn(size);
  for (let i = 0; i < words; i++) {
    CHAIN[i] = WORDS[i]!;
  }
  runRounds(size, subkeyCount);
  for (let i = 2; i < words; i++) {
    WORDS[i]! ^= CHAIN[i - 2]!;
  }
  CHAIN.fill(0, 0, words);
  permuteOut(size);
}
