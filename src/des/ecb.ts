/** Electronic codebook mode (FIPS 81 §2; SP 800-38A §6.1): each block by itself. */
import { requireWholeBlocks } from "./argument-checks.js";
import { cryptBlock } from "./block.js";
import { type KeySchedule, requireLiveSchedule } from "./key-schedule.js";

/** Enciphers whole blocks of 8 bytes into a new buffer, the caller's; RangeError for any other length. */
export function encryptEcb(schedule: KeySchedule, plaintext: Uint8Array): Uint8Array {
  requireLiveSchedule(schedule);
  requireWholeBlocks("plaintext", plaintext);
  return cryptEcb(schedule.encryption, plaintext);
}

/** Deciphers whole blocks of 8 bytes into a new buffer, the caller's; RangeError for any other length. */
export function decryptEcb(schedule: KeySchedule, ciphertext: Uint8Array): Uint8Array {
  requireLiveSchedule(schedule);
  requireWholeBlocks("ciphertext", ciphertext);
  return cryptEcb(schedule.decryption, ciphertext);
}

function cryptEcb(words: Int32Array, input: Uint8Array): Uint8Array {
  const output = new Uint8Array(input.length);
  const from = new DataView(input.buffer, input.byteOffset, input.length);
  const to = new DataView(output.buffer);
  const halves = new Int32Array(2);
  for (let i = 0; i < input.length; i += 8) {
    halves[0] = from.getInt32(i);
    halves[1] = from.getInt32(i + 4);
    cryptBlock(words, halves);
    to.setInt32(i, halves[0]);
    to.setInt32(i + 4, halves[1]);
  }
  return output;
}
