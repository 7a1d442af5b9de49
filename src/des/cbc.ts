/** Cipher block chaining mode (FIPS 81 §3; SP 800-38A §6.2): each plaintext block meets the ciphertext before it. */
import { BLOCK_SIZE, requireSize, requireWholeBlocks } from "./argument-checks.js";
import { cryptBlock } from "./block.js";
import { type KeySchedule, requireLiveSchedule } from "./key-schedule.js";

/**
 * Enciphers whole blocks of 8 bytes, chained from `iv` (8 bytes), into a new buffer, the caller's; RangeError for any
 * other length.
 */
export function encryptCbc(schedule: KeySchedule, iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
  requireLiveSchedule(schedule);
  requireSize("iv", iv, BLOCK_SIZE);
  requireWholeBlocks("plaintext", plaintext);
  const ciphertext = new Uint8Array(plaintext.length);
  const from = new DataView(plaintext.buffer, plaintext.byteOffset, plaintext.length);
  const to = new DataView(ciphertext.buffer);
  const chain = new DataView(iv.buffer, iv.byteOffset, 8);
  const halves = Int32Array.of(chain.getInt32(0), chain.getInt32(4));
  for (let i = 0; i < plaintext.length; i += 8) {
    halves[0]! ^= from.getInt32(i);
    halves[1]! ^= from.getInt32(i + 4);
    cryptBlock(schedule.encryption, halves);
    to.setInt32(i, halves[0]!);
    to.setInt32(i + 4, halves[1]!);
  }
  return ciphertext;
}

/**
 * Deciphers whole blocks of 8 bytes, chained from `iv` (8 bytes), into a new buffer, the caller's; RangeError for any
 * other length.
 */
export function decryptCbc(schedule: KeySchedule, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  requireLiveSchedule(schedule);
  requireSize("iv", iv, BLOCK_SIZE);
  requireWholeBlocks("ciphertext", ciphertext);
  const plaintext = new Uint8Array(ciphertext.length);
  const from = new DataView(ciphertext.buffer, ciphertext.byteOffset, ciphertext.length);
  const to = new DataView(plaintext.buffer);
  const chain = new DataView(iv.buffer, iv.byteOffset, 8);
  const halves = new Int32Array(2);
  let chainLeft = chain.getInt32(0);
  let chainRight = chain.getInt32(4);
  for (let i = 0; i < ciphertext.length; i += 8) {
    const left = from.getInt32(i);
    const right = from.getInt32(i + 4);
    halves[0] = left;
    halves[1] = right;
    cryptBlock(schedule.decryption, halves);
    to.setInt32(i, halves[0] ^ chainLeft);
    to.setInt32(i + 4, halves[1] ^ chainRight);
    chainLeft = left;
    chainRight = right;
  }
  return plaintext;
}
