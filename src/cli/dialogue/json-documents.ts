/**
 * JSON documents, one after the other, each as soon as it is whole: what streams of requests are typed as.
 */
import type { JsonValue } from "@bufbuild/protobuf";
import { UsageError } from "../frame/command.js";

/** The longest document, in characters: more than a message may have. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/**
 * The documents in a text that comes in pieces; white space stands between them, or nothing.
 * @throws UsageError naming the first document that is none.
 */
export async function* jsonDocuments(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<JsonValue> {
  const decoder = new TextDecoder();
  const cutter = new Cutter();
  let count = 0;
  for await (const piece of pieces)
    for (const text of cutter.push(decoder.decode(piece, { stream: true }))) yield parse(text, ++count);
  const rest = cutter.rest();
  if (rest !== "") yield parse(rest, ++count);
}

function parse(text: string, count: number): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new UsageError(`request ${count}: ${(error as Error).message}`);
  }
}

/** Finds where documents end: where every bracket is closed, or white space follows what has none. */
class Cutter {
  #text = "";
  #at = 0;
  #depth = 0;
  #inString = false;

  /** Takes more text; returns the documents that are whole. */
  push(more: string): string[] {
    this.#text += more;
    const whole: string[] = [];
    for (let end = this.#scan(); end !== undefined; end = this.#scan()) {
      const document = this.#text.slice(0, end).trim();
      if (document !== "") whole.push(document);
      this.#text = this.#text.slice(end);
      this.#at = 0;
    }
    if (this.#text.length > MAX_CHARACTERS)
      throw new UsageError(`a request has more than ${MAX_CHARACTERS} characters`);
    return whole;
  }

  /** What follows the last document. */
  rest(): string {
    return this.#text.trim();
  }

  /** Goes on to where a document ends; undefined: the text ends first. */
  #scan(): number | undefined {
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at++]!;
      if (this.#inString) {
        if (character === "\\") this.#at++;
        else if (character === '"') this.#inString = false;
        if (!this.#inString && this.#depth === 0) return this.#at;
      } else if (character === '"') this.#inString = true;
      else if (character === "{" || character === "[") this.#depth++;
      else if (character === "}" || character === "]") {
        this.#depth = Math.max(0, this.#depth - 1);
        if (this.#depth === 0) return this.#at;
      } else if (this.#depth === 0 && /\s/.test(character)) return this.#at;
    }
    return undefined;
  }
}
