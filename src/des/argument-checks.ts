/** The checks that every function here makes on its arguments before it touches a byte. */

/** Block size of DES and of triple DES in bytes (FIPS 46-3, "Data Encryption Algorithm"). */
export const BLOCK_SIZE = 8;

/** Throws a TypeError naming `argument` unless `value` is a Uint8Array. */
export function requireBytes(argument: string, value: Uint8Array): void {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError(`${argument}: expected a Uint8Array, got ${value === null ? "null" : typeof value}`);
  }
}

/** Throws a RangeError naming `argument`, expected and got, unless `value` is exactly `size` bytes. */
export function requireSize(argument: string, value: Uint8Array, size: number): void {
  requireBytes(argument, value);
  if (value.length !== size) {
    throw new RangeError(`${argument}: expected ${size} bytes, got ${value.length}`);
  }
}

/**
 * Throws a RangeError naming `argument` unless `value` is a whole number of 8-byte blocks; zero blocks are
 * allowed.
 */
export function requireWholeBlocks(argument: string, value: Uint8Array): void {
  requireBytes(argument, value);
  if (value.length % BLOCK_SIZE !== 0) {
    throw new RangeError(`${argument}: expected a multiple of ${BLOCK_SIZE} bytes, got ${value.length}`);
  }
}

/** Throws a RangeError unless `key` is 8, 16 or 24 bytes: DES, two-key or three-key triple DES. */
export function requireKeySize(key: Uint8Array): void {
  requireBytes("key", key);
  if (key.length !== 8 && key.length !== 16 && key.length !== 24) {
    throw new RangeError(`key: expected 8, 16 or 24 bytes, got ${key.length}`);
  }
}

/**
 * Returns `output`, or a new buffer if there is none. Throws a RangeError unless it is as long as `input`, or
 * if it begins inside it: work proceeds forward in chunks and would read back what it had just written.
 */
export function requireOutput(output: Uint8Array | undefined, input: Uint8Array): Uint8Array {
  const size = input.length;
  if (output === undefined) return new Uint8Array(size);
  requireSize("output", output, size);
  const distance = output.byteOffset - input.byteOffset;
  if (distance > 0 && distance < size && output.buffer === input.buffer)
    throw new RangeError(`output: expected not to begin inside the input, got one ${distance} bytes into it`);
  return output;
}
