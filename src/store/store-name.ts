/**
 * The form of a store's name, `type:rest`, shared by all that is opened by name.
 */

/**
 * Finds the row for `name` in a table of openers and the part after the colon.
 * @throws RangeError when there is no such type (naming those there are), or when a type other than `memory` has no
 *   rest.
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
