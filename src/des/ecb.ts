/** Electronic codebook mode (FIPS 81 §2; SP 800-38A §6.1): each block by itself. */
import { requireOutput, requireWholeBlocks } from "./argument-checks.js";
import {
  type KeySchedule,
  loadSubkeys,
  PAIRS_BACKWARD,
  PAIRS_FORWARD,
  type SubkeyUse,
} from "./key-schedule.js";
import { permuteIn, permuteOut, runRounds } from "./pair-rounds.js";
import { CHUNK_SIZE, giveChunk, takeChunk, wipeWorkspace } from "./workspace.js";

/**
 * Enciphers whole blocks of 8 bytes.
 * @param output where the ciphertext goes, as long as `plaintext`; it may be `plaintext` itself. A new buffer
 *   when absent.
 * @returns `output`, which the caller owns.
 * @throws RangeError for any other length, and for an output that begins inside the input.
 */
export function encryptEcb(schedule: KeySchedule, plaintext: Uint8Array, output?: Uint8Array): Uint8Array {
  requireWholeBlocks("plaintext", plaintext);
  return cryptEcb(schedule, PAIRS_FORWARD, plaintext, requireOutput(output, plaintext));
}

/** Deciphers whole blocks of 8 bytes; parameters, result and errors as `encryptEcb`. */
export function decryptEcb(schedule: KeySchedule, ciphertext: Uint8Array, output?: Uint8Array): Uint8Array {
  requireWholeBlocks("ciphertext", ciphertext);
  return cryptEcb(schedule, PAIRS_BACKWARD, ciphertext, requireOutput(output, ciphertext));
}

function cryptEcb(schedule: KeySchedule, use: SubkeyUse, input: Uint8Array, output: Uint8Array): Uint8Array {
  const subkeyCount = loadSubkeys(schedule, use);
  for (let offset = 0; offset < input.length; offset += CHUNK_SIZE) {
    const size = takeChunk(input, offset);
    permuteIn(size);
    runRounds(size, subkeyCount);
    permuteOut(size);
    giveChunk(output, offset, size);
  }
  wipeWorkspace(input.length);
  return output;
}
