/**
 * Patterns of principals' names, as MIT's listprincs takes them: `*` stands for any text, `?` for any
 * character, `[a-z]` for one of a set and `[!a-z]` for any other, `\` for the next character as it is.
 */

/** A pattern, ready to be tried. */
export interface NamePattern {
  /** What every name that matches begins with. */
  readonly prefix: string;
  matches(name: string): boolean;
}

/** One place in a pattern: a test of one character, or any text. */
type Part = ((character: string) => boolean) | "any text";

/** Reads a pattern. One that is not closed (`[ab`) means the bracket itself. */
export function namePattern(pattern: string): NamePattern {
  const parts: Part[] = [];
  let prefix = "";
  let isPlain = true;
  for (let at = 0; at < pattern.length; ) {
    const { part, literal, length } = partAt(pattern, at);
    isPlain &&= literal !== undefined;
    if (isPlain) prefix += literal;
    parts.push(part);
    at += length;
  }
  return { prefix, matches: (name) => matchesParts(name, parts) };
}

function partAt(pattern: string, at: number): { part: Part; literal?: string; length: number } {
  const character = pattern[at]!;
  if (character === "*") return { part: "any text", length: 1 };
  if (character === "?") return { part: () => true, length: 1 };
  const set = character === "[" ? /^\[([!^]?)(\]?[^\]]*)\]/.exec(pattern.slice(at)) : null;
  if (set !== null) return { part: oneOf(set[2]!, set[1] !== ""), length: set[0].length };
  const isEscaped = character === "\\" && at + 1 < pattern.length;
  const literal = isEscaped ? pattern[at + 1]! : character;
  return { part: (one) => one === literal, literal, length: isEscaped ? 2 : 1 };
}

/** A test of one character by the inside of a bracket: characters, and ranges of them. */
function oneOf(inside: string, isInverted: boolean): (character: string) => boolean {
  const ranges = [...inside.matchAll(/(.)-(.)|(.)/gsu)].map(
    ([, from, to, single]) => [from ?? single!, to ?? single!] as const,
  );
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== isInverted;
}

/** Goes back to the last star alone, so that the time does not grow with the number of stars. */
function matchesParts(name: string, parts: readonly Part[]): boolean {
  let [at, part] = [0, 0];
  let [starAt, starPart] = [0, -1];
  while (at < name.length) {
    const test = parts[part];
    if (test === "any text") {
      [starAt, starPart] = [at, part];
      part++;
    } else if (test?.(name[at]!)) {
      at++;
      part++;
    } else if (starPart >= 0) {
      starAt++;
      [at, part] = [starAt, starPart + 1];
    } else return false;
  }
  return parts.slice(part).every((rest) => rest === "any text");
}
