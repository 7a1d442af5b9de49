/**
 * The one place where blocks are worked on: a small buffer that is reused, so that the loops allocate nothing and
 * the engine knows every address.
 *
 * Invariant: between two calls from outside this folder the workspace is all zeros. A mode copies a chunk in, works on
 * it in place, copies it out, and wipes before it returns; nothing in between can throw or give way to other code.
 */

/** How many bytes are worked on at a time: small enough to stay in the nearest cache beside the tables. */
export const CHUNK_SIZE = 2048;

const memory = new ArrayBuffer(CHUNK_SIZE);

/** The chunk as bytes. */
export const BYTES: Uint8Array = new Uint8Array(memory);

/** The same memory, to read and write words with the first byte leftmost. */
export const VIEW: DataView = new DataView(memory);

/** The same memory, to keep L and R of each block between the permutations. */
export const WORDS: Int32Array = new Int32Array(memory);

/** L and R of the ciphertext blocks while CBC decryption turns them into plaintext. */
export const CHAIN: Int32Array = new Int32Array(CHUNK_SIZE / 4);

/** The subkeys in the order they are used: two words a round, at most 48 rounds. */
export const SUBKEYS: Int32Array = new Int32Array(96);

/** Puts the subkeys in place for encryption. */
export function loadForward(subkeys: readonly number[]): void {
  for (let i = 0; i < subkeys.length; i++) {
    SUBKEYS[i] = subkeys[i]!;
  }
}

/** Puts the subkeys in place for decryption: the same rounds, last first (FIPS 46-3, "Deciphering"). */
export function loadBackward(subkeys: readonly number[]): void {
  const last = subkeys.length - 2;
  for (let i = 0; i <= last; i += 2) {
    SUBKEYS[i] = subkeys[last - i]!;
    SUBKEYS[i + 1] = subkeys[last - i + 1]!;
  }
}

/** Wipes the subkeys and the first `size` bytes of what was worked on. */
export function wipeWorkspace(size: number): void {
  SUBKEYS.fill(0);
  WORDS.fill(0, 0, size >>> 2);
}
