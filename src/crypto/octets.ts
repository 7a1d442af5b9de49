/** Octet strings (RFC 3961 §2): the "|" and the numbers in the standards' formulas. */

/** An octet string: in one piece, or in parts that follow each other. */
export type Octets = Uint8Array | readonly Uint8Array[];

/** An octet string in one piece: itself, or a copy. */
export function inOnePiece(octets: Octets): Uint8Array {
  return octets instanceof Uint8Array
    ? octets
    : octets.reduce((all, part) => concatBytes(all, part), new Uint8Array());
}

/** The bytes of `first` and `second`, one after the other, in a new buffer. */
export function concatBytes(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/**
 * Writes a 32-bit number, most significant byte first. A DataView would move a small array out of V8's heap.
 */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (24 - 8 * i);
}
