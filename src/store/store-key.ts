/**
 * The rule for keys of a key-value store, the same for every backend: well-formed text of 1 to 512 bytes in
 * UTF-8, ordered by those bytes.
 */

const MAX_KEY_BYTES = 512;

/**
 * The bytes of a key.
 * @throws RangeError as `checkStoreKey`.
 */
export function storeKeyBytes(key: string): Buffer {
  checkStoreKey(key);
  return Buffer.from(key, "utf8");
}

/**
 * Checks a key.
 * @throws RangeError for an empty key, one over 512 bytes, or text that is not well-formed Unicode.
 */
export function checkStoreKey(key: string): void {
  const length = Buffer.byteLength(key, "utf8");
  if (length === 0 || length > MAX_KEY_BYTES)
    throw new RangeError(`key: expected 1 to ${MAX_KEY_BYTES} bytes of UTF-8, got ${length}`);
  // A lone surrogate would become U+FFFD, making one key of two.
  if (!key.isWellFormed()) throw new RangeError("key: expected well-formed Unicode");
}
