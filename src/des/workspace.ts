/**
 * The one place where blocks are worked on: a small buffer that is reused, so that the loops allocate nothing
 * and the engine knows every address.
 *
 * Invariant: between two calls from outside this folder no key, subkey or plaintext is left in the workspace.
 * A mode copies a chunk in, works on it in place, copies it out, and wipes before it returns; nothing in
 * between can throw or yield to other code.
 *
 * A file with a hot loop copies these arrays into constants of its own and reads them through small
 * functions. V8 then builds their addresses into the loop; an imported binding is looked up and checked at
 * every use.
 */

/** How many bytes are worked on at a time: small enough to stay in the nearest cache beside the tables. */
export const CHUNK_SIZE = 2048;

const memory = new ArrayBuffer(CHUNK_SIZE);
const bytes = new Uint8Array(memory);
const view = new DataView(memory);

/** The chunk as bytes. */
export const BYTES: Uint8Array = bytes;

/** The same memory, to read and write words with the first byte leftmost. */
export const VIEW: DataView = view;

/** The same memory, to keep L and R of each block between the permutations. */
export const WORDS: Int32Array = new Int32Array(memory);

/**
 * L and R of the ciphertext blocks while CBC decryption turns them into plaintext. Ciphertext is not wiped.
 */
export const CHAIN: Int32Array = new Int32Array(CHUNK_SIZE / 4);

/** The subkeys in the order they are used: two words a round, at most 48 rounds. */
export const SUBKEYS: Int32Array = new Int32Array(96);

/**
 * Views of the chunk's first n blocks, each made once: making a view costs more than the IP of ten blocks.
 */
const beginnings: Uint8Array[] = Array.from({ length: CHUNK_SIZE / 8 + 1 }, (_, blocks) =>
  bytes.subarray(0, 8 * blocks),
);

/** Copies the chunk of `input` that begins at `offset` into the workspace and returns its size in bytes. */
export function takeChunk(input: Uint8Array, offset: number): number {
  const whole = offset === 0 && input.length <= CHUNK_SIZE;
  const chunk = whole ? input : input.subarray(offset, offset + CHUNK_SIZE);
  bytes.set(chunk);
  return chunk.length;
}

/** Copies the first `size` bytes of the workspace, whole blocks, to `offset` of `output`. */
export function giveChunk(output: Uint8Array, offset: number, size: number): void {
  output.set(beginnings[size >>> 3]!, offset);
}

/** XORs a block, as two words, into the first block of the workspace. */
export function meetFirstBlock(left: number, right: number): void {
  view.setInt32(0, view.getInt32(0) ^ left);
  view.setInt32(4, view.getInt32(4) ^ right);
}

/** Wipes the subkeys and everything that a call of `size` bytes worked on. */
export function wipeWorkspace(size: number): void {
  SUBKEYS.fill(0);
  beginnings[Math.min(size, CHUNK_SIZE) >>> 3]!.fill(0);
}
