/**
 * The form of a store's name, `type:rest`, shared by everything that is opened by name.
 */

/**
 * Finds the row for `name` in a table of openers, and the part after the colon.
 * @throws RangeError if the type is unknown (listing the known ones), or if `memory` has a rest or another
 *   type has none.
 */
export function splitStoreName<T>(
  name: string,
  openers: Readonly<Record<string, T>>,
): { opener: T; rest: string } {
  const colon = name.indexOf(":");
  const type = name.slice(0, Math.max(colon, 0));
  const rest = name.slice(colon + 1);
  const opener = Object.hasOwn(openers, type) ? openers[type] : undefined;
  if (opener === undefined)
    throw new RangeError(`store: expected ${Object.keys(openers).join(": or ")}:, got "${name}"`);
  if ((type === "memory") !== (rest === ""))
    throw new RangeError(`store: expected ${type === "memory" ? "memory:" : `${type}:DIR`}, got "${name}"`);
  return { opener, rest };
}
