/**
 * Options that a function does not have. A mistyped one would be passed over in silence, and what it was to
 * forbid would be allowed: `{ alow: … }` is refused, not ignored.
 */
import { nearest } from "./nearest.js";

/** The names of all options of a type; the compiler sees to it that none is missing. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Checks that options have no name but these.
 * @param what whose options they are, for the text: `guard`.
 * @throws TypeError naming the unknown option, and the one that was probably meant.
 */
export function checkOptionNames<Options extends object>(
  what: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(
      `${what}: expected an object with options, got ${options === null ? "null" : typeof options}`,
    );
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const near = nearest(name, known);
    const remedy = near === undefined ? `it has: ${known.join(", ")}` : `did you mean ${near}?`;
    throw new TypeError(`${what}: no option ${JSON.stringify(name)}; ${remedy}`);
  }
}
