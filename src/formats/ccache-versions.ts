/**
 * Which version of MIT's FILE format a credential cache has. Version 4 is read here. Versions 1 to 3, left
 * behind by old programs, are recognised, so that such files can be told from others, replaced and removed.
 */
const MAX_COMPONENTS = 64;

/**
 * The version of a credential cache, 1 to 4; undefined for anything else. Versions 1 and 2 have the byte
 * order of the machine that wrote them, and may begin like a keytab, so their default principal must be whole
 * too.
 */
export function credentialCacheVersion(bytes: Uint8Array): number | undefined {
  if (bytes.length < 2 || bytes[0] !== 5) return undefined;
  const version = bytes[1]!;
  if (version === 4) return 4;
  if (version === 3) return hasPrincipal(bytes, 3, false) ? 3 : undefined;
  if (version !== 1 && version !== 2) return undefined;
  return [true, false].some((little) => hasPrincipal(bytes, version, little)) ? version : undefined;
}

function hasPrincipal(bytes: Uint8Array, version: number, little: boolean): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = version === 1 ? 2 : 6; // version 1 has no name type
  const next = (): number => {
    const value = at + 4 <= bytes.length ? view.getUint32(at, little) : Number.POSITIVE_INFINITY;
    at += 4;
    return value;
  };
  // Version 1 counts the realm among the components.
  const texts = next() + (version === 1 ? 0 : 1);
  if (texts < 1 || texts > MAX_COMPONENTS + 1) return false;
  for (let text = 0; text < texts; text++) {
    const length = next(); // moves on by itself
    at += length;
    if (at > bytes.length) return false;
  }
  return true;
}
