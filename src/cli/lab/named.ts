/** The thing of a name that was typed, or one clear line. */
import { nearest } from "../../errors/nearest.js";
import { visible } from "../../errors/visible-text.js";
import { UsageError } from "../frame/command.js";

/**
 * The one of `names` that was typed.
 * @param what they are, in one word: `attack`.
 * @throws UsageError naming the nearest, or all where none is near.
 */
export function oneOf<Name extends string>(what: string, typed: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === typed);
  if (found !== undefined) return found;
  const near = nearest(typed, names);
  const remedy = near === undefined ? `there are ${names.join(", ")}` : `did you mean ${near}?`;
  throw new UsageError(`there is no ${what} ${visible(typed)}; ${remedy}`);
}
