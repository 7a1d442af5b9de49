/** Text from elsewhere, such that it can neither steer a terminal nor turn what is read around. */

/** Controls (C0, DEL, C1), line and paragraph separators, and what changes the direction of text (UAX 9). */
const UNSEEN = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
/** The same without tabs and line feeds. */
const UNSEEN_IN_LINES = /[^\P{Cc}\t\n]|[\p{Bidi_Control}\u2028\u2029]/u;

/** The text with such characters as escapes: `\u202e`. */
export function visible(text: string): string {
  return text.replaceAll(UNSEEN, escaped);
}

/** The same for text of our own making, whose tabs and line feeds stay. */
export function visibleLines(text: string): string {
  // Nearly always there is nothing to replace, and a line feed at the end.
  return UNSEEN_IN_LINES.test(text) ? replaced(text) : text;
}

function replaced(text: string): string {
  return text.replaceAll(UNSEEN, (one) => (one === "\n" || one === "\t" ? one : escaped(one)));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
