/**
 * Cipher block chaining mode (FIPS 81 §3; SP 800-38A §6.2): each plaintext block is XORed with the ciphertext
 * block before it.
 */
import { BLOCK_SIZE, requireOutput, requireSize, requireWholeBlocks } from "./argument-checks.js";
import { encipherChained } from "./box-rounds.js";
import { BOXES_FORWARD, type KeySchedule, loadSubkeys, PAIRS_BACKWARD } from "./key-schedule.js";
import { decipherChained } from "./pair-rounds.js";
import { CHUNK_SIZE, giveChunk, meetFirstBlock, takeChunk, VIEW, wipeWorkspace } from "./workspace.js";

/**
 * Enciphers whole blocks of 8 bytes, chained from `iv` (8 bytes).
 * @param output where the ciphertext goes, as long as `plaintext`; it may be `plaintext` itself. A new buffer
 *   when absent.
 * @returns `output`, which the caller owns.
 * @throws RangeError for any other length, and for an output that begins inside the input.
 */
export function encryptCbc(
  schedule: KeySchedule,
  iv: Uint8Array,
  plaintext: Uint8Array,
  output?: Uint8Array,
): Uint8Array {
  requireSize("iv", iv, BLOCK_SIZE);
  requireWholeBlocks("plaintext", plaintext);
  const ciphertext = requireOutput(output, plaintext);
  const subkeyCount = loadSubkeys(schedule, BOXES_FORWARD);
  // The previous block, as two words: numbers on the stack need no buffer and no wiping.
  let left = wordOf(iv, 0);
  let right = wordOf(iv, 4);
  for (let offset = 0; offset < plaintext.length; offset += CHUNK_SIZE) {
    const size = takeChunk(plaintext, offset);
    meetFirstBlock(left, right);
    encipherChained(size, subkeyCount);
    left = VIEW.getInt32(size - 8);
    right = VIEW.getInt32(size - 4);
    giveChunk(ciphertext, offset, size);
  }
  wipeWorkspace(plaintext.length);
  return ciphertext;
}

/**
 * Deciphers whole blocks of 8 bytes, chained from `iv` (8 bytes); parameters, result and errors as
 * `encryptCbc`.
 */
export function decryptCbc(
  schedule: KeySchedule,
  iv: Uint8Array,
  ciphertext: Uint8Array,
  output?: Uint8Array,
): Uint8Array {
  requireSize("iv", iv, BLOCK_SIZE);
  requireWholeBlocks("ciphertext", ciphertext);
  const plaintext = requireOutput(output, ciphertext);
  const subkeyCount = loadSubkeys(schedule, PAIRS_BACKWARD);
  let left = wordOf(iv, 0);
  let right = wordOf(iv, 4);
  for (let offset = 0; offset < ciphertext.length; offset += CHUNK_SIZE) {
    const size = takeChunk(ciphertext, offset);
    const lastLeft = VIEW.getInt32(size - 8);
    const lastRight = VIEW.getInt32(size - 4);
    decipherChained(size, subkeyCount);
    meetFirstBlock(left, right);
    giveChunk(plaintext, offset, size);
    left = lastLeft;
    right = lastRight;
  }
  wipeWorkspace(ciphertext.length);
  return plaintext;
}

function wordOf(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}
