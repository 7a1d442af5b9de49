/** What every row requires of its arguments. Wrong use is a RangeError that names the argument. */

const utf8 = new TextEncoder();

/** Throws a RangeError unless `key` is `size` bytes. */
export function requireKeySize(key: Uint8Array, size: number): void {
  if (!(key instanceof Uint8Array))
    throw new RangeError(`key: expected a Uint8Array of ${size} bytes, got ${typeof key}`);
  if (key.length !== size) throw new RangeError(`key: expected ${size} bytes, got ${key.length}`);
}

/** Throws a RangeError unless `usage` is an unsigned 32-bit number (RFC 3961 §3, "key usage"). */
export function requireUsage(usage: number): void {
  if (usage >>> 0 !== usage)
    throw new RangeError(`usage: expected an integer from 0 to 4294967295, got ${String(usage)}`);
}

/**
 * The UTF-8 bytes of a password; the caller wipes them.
 * @throws RangeError for unpaired surrogates, which UTF-8 cannot hold: two passwords would become one.
 */
export function encodePassword(password: string): Uint8Array {
  if (/\p{Surrogate}/u.test(password))
    throw new RangeError("password: expected well-formed text, got an unpaired surrogate");
  return utf8.encode(password);
}
