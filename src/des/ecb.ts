/** Electronic codebook mode (FIPS 81 §2; SP 800-38A §6.1): each block by itself. */
import { requireWholeBlocks } from "./argument-checks.js";
import { type KeySchedule, pairSubkeys } from "./key-schedule.js";
import { permuteIn, permuteOut, runRounds } from "./pair-rounds.js";
import { BYTES, CHUNK_SIZE, loadBackward, loadForward, wipeWorkspace } from "./workspace.js";

/** Enciphers whole blocks of 8 bytes into a new buffer, the caller's; RangeError for any other length. */
export function encryptEcb(schedule: KeySchedule, plaintext: Uint8Array): Uint8Array {
  requireWholeBlocks("plaintext", plaintext);
  const subkeys = pairSubkeys(schedule);
  loadForward(subkeys);
  return cryptEcb(subkeys.length, plaintext);
}

/** Deciphers whole blocks of 8 bytes into a new buffer, the caller's; RangeError for any other length. */
export function decryptEcb(schedule: KeySchedule, ciphertext: Uint8Array): Uint8Array {
  requireWholeBlocks("ciphertext", ciphertext);
  const subkeys = pairSubkeys(schedule);
  loadBackward(subkeys);
  return cryptEcb(subkeys.length, ciphertext);
}

function cryptEcb(subkeyCount: number, input: Uint8Array): Uint8Array {
  const size = input.length;
  if (size <= CHUNK_SIZE) {
    BYTES.set(input);
    cryptChunk(size, subkeyCount);
    const output = BYTES.slice(0, size);
    wipeWorkspace(size);
    return output;
  }
  const output = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += CHUNK_SIZE) {
    const chunk = input.subarray(offset, offset + CHUNK_SIZE);
    BYTES.set(chunk);
    cryptChunk(chunk.length, subkeyCount);
    output.set(BYTES.subarray(0, chunk.length), offset);
  }
  wipeWorkspace(CHUNK_SIZE);
  return output;
}

function cryptChunk(size: number, subkeyCount: number): void {
  permuteIn(size);
  runRounds(size, subkeyCount);
  permuteOut(size);
}
