/**
 * n-fold (RFC 3961 §5.1): a string stretched or folded to a given length, so that every bit counts about
 * equally.
 */

/**
 * Folds `input` to `size` bytes (size × 8 bits), in a new buffer that is the caller's.
 * @throws RangeError for an empty input, or a size that is not a positive integer.
 */
export function nFold(input: Uint8Array, size: number): Uint8Array {
  if (input.length === 0) throw new RangeError("input: expected at least 1 byte, got 0");
  if (!Number.isSafeInteger(size) || size < 1)
    throw new RangeError(`size: expected a positive integer, got ${String(size)}`);

  // Copies of the input, each rotated 13 bits further to the right than the one before, fill the least common
  // multiple of both lengths; then all pieces of `size` bytes are added up. Only the sum of each column is
  // kept here.
  const columns = new Float64Array(size);
  const bits = input.length * 8;
  const copies = size / greatestCommonDivisor(input.length, size);
  let column = 0;
  for (let copy = 0; copy < copies; copy++) {
    // The bit of the input at which this copy begins.
    const start = (((-13 * copy) % bits) + bits) % bits;
    const shift = start & 7;
    let at = start >>> 3;
    for (let i = 0; i < input.length; i++) {
      const next = at + 1 === input.length ? 0 : at + 1;
      columns[column]! += ((input[at]! << shift) | (input[next]! >>> (8 - shift))) & 0xff;
      column = column + 1 === size ? 0 : column + 1;
      at = next;
    }
  }

  // Ones' complement addition: what is carried out of the first byte comes back in at the last.
  let carry = 0;
  do {
    for (let i = size - 1; i >= 0; i--) {
      const sum = columns[i]! + carry;
      columns[i] = sum % 256;
      carry = Math.floor(sum / 256);
    }
  } while (carry > 0);
  const folded = Uint8Array.from(columns);
  columns.fill(0);
  return folded;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
