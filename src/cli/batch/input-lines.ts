/** The lines of a file or of stdin, one by one. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { CommandError } from "../frame/command.js";
import type { Surroundings } from "../frame/surroundings.js";

const MAX_LINE_BYTES = 64 * 1024;

/** Lines, and how far they have been read. */
export interface InputLines {
  readonly name: string;
  readonly lines: AsyncIterable<string>;
  /** The part that has been read, from 0 to 1; undefined where nobody knows how much there is. */
  fractionRead(): number | undefined;
}

/**
 * Opens a file, or stdin as `-`. A byte-order mark at its beginning goes, and so does CR before LF.
 * @throws what the system says of the file; while reading, CommandError for text that is not UTF-8 or a line
 *   of more than 64 KiB.
 */
export async function openLines(file: string, stdin: Surroundings["stdin"]): Promise<InputLines> {
  const name = file === "-" ? "stdin" : file;
  const status = file === "-" ? undefined : await stat(file);
  if (status?.isDirectory()) throw new CommandError(`${file} is a folder`);
  const chunks: AsyncIterable<Uint8Array> = file === "-" ? stdin() : createReadStream(file);
  let bytes = 0;
  async function* counted() {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  return {
    name,
    lines: linesOf(counted(), name),
    fractionRead: () => (status?.isFile() ? Math.min(1, bytes / Math.max(1, status.size)) : undefined),
  };
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes?: Uint8Array) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new CommandError(`${name}: not valid UTF-8`);
    }
  };
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decode(chunk)).split("\n");
    rest = lines.pop()!;
    if (rest.length > MAX_LINE_BYTES) throw new CommandError(`${name}: a line is longer than 64 KiB`);
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  rest += decode();
  if (rest !== "") yield rest.replace(/\r$/, "");
}
