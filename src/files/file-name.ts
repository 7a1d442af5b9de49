/**
 * Names of keytabs and credential caches, as MIT's tools take them: `FILE:/path`, `WRFILE:/path`, or just a
 * path.
 */

/**
 * The path of a keytab or a credential cache.
 * @param what the name is of, for the message.
 * @throws RangeError for a name of another type, such as `KEYRING:persistent:1000`.
 */
export function filePathOf(name: string, what: string): string {
  // A single letter is a drive, not a type.
  const type = /^([A-Z][A-Z0-9]+):/.exec(name)?.[1];
  if (type === undefined) return name;
  if (type !== "FILE" && type !== "WRFILE")
    throw new RangeError(`${what}: ${type}: is not supported here; give FILE:PATH or a path`);
  return name.slice(type.length + 1);
}
