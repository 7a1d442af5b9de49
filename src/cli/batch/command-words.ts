/** The words of one line of a file of commands. */
import { CommandError } from "../frame/command.js";

/** A blank, a comment to the end of the line, or a word with its quoted parts. */
const TOKEN = /\s+|#.*|((?:[^\s"']|"[^"]*"|'[^']*')+)/gsuy;

/**
 * Splits a line at blanks, as a shell would: what stands in double or single quotes stays together, and a
 * word that begins with # begins a comment.
 * @throws CommandError for a quote that is not closed.
 */
export function commandWords(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (const { 0: token, 1: word } of line.matchAll(TOKEN)) {
    at += token.length;
    if (word !== undefined) words.push(word.replace(/"([^"]*)"|'([^']*)'/gu, (_, a, b) => a ?? b));
  }
  if (at < line.length) throw new CommandError("a quote is not closed");
  return words;
}
