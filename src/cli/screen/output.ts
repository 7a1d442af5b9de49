/** What the command prints: data to stdout, notices and errors to stderr under the program's name. */

/** Prints a line of data. */
export function printLine(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Prints data as one JSON document. Keys never get into it: they serialize as `[redacted]`. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, jsonValue, 2)}\n`);
}

/** One line of JSON, for logs. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value, jsonValue);
}

/** Tells the user something that is not data, one line or several. */
export function notice(text: string): void {
  for (const line of text.split("\n")) process.stderr.write(`tessera: ${line}\n`);
}

/** Ends quietly when whoever reads our output has seen enough (`tessera klist | head -1`). */
export function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      process.exit(0);
    });
}

/** Lays out rows in columns two spaces apart; the last column is as wide as it likes. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    row.slice(0, -1).forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  return rows.map((row) =>
    row
      .map((cell, i) => (i < row.length - 1 ? cell.padEnd(widths[i] ?? 0) : cell))
      .join("  ")
      .trimEnd(),
  );
}

/** Breaks text into lines of at most `width` characters, at spaces. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  return value;
}
