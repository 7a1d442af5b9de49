/** Where a key stands in a TOML file, which its parser does not say. */

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * The place at which a key is first named: it begins after the longest part of the file that is a document
 * without it, so that the parser decides, and not a guess at its grammar.
 * @param parse reads a document; throws where a text is none.
 */
export function positionOf(
  text: string,
  path: readonly string[],
  parse: (text: string) => unknown,
): Position {
  const lines = text.split("\n");
  let begun = 0;
  for (let end = 1; end <= lines.length; end++) {
    let document: unknown;
    try {
      document = parse(lines.slice(0, end).join("\n"));
    } catch {
      continue; // in the middle of a value of several lines
    }
    if (has(document, path)) return { line: begun + 1, column: columnOf(lines[begun]!, path.at(-1)!) };
    begun = end;
  }
  return { line: 1, column: 1 };
}

function has(document: unknown, path: readonly string[]): boolean {
  let at = document;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return false;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return true;
}

function columnOf(line: string, name: string): number {
  const found = line.indexOf(name);
  return (found < 0 ? line.search(/\S|$/) : found) + 1;
}
