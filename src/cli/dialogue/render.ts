/** Explained messages as text, at most 100 columns wide, in colour if asked for. */
import type { ExplainedMessage, ExplainedPart } from "../../lab/explain.js";
import { type FieldRow, fieldRows } from "../screen/fields.js";
import { wrapped } from "../screen/layout.js";

/** An explained message with its fields as rows of text. */
export interface PrintableMessage extends Omit<ExplainedMessage, "clear" | "sealed" | "tree"> {
  readonly clear: readonly FieldRow[];
  readonly sealed: readonly PrintablePart[];
}

/** An explained part with its fields as rows of text. */
export interface PrintablePart extends Omit<ExplainedPart, "contents" | "opened" | "at" | "equalBlocks"> {
  readonly contents: readonly FieldRow[] | undefined;
}

/** Turns the fields of a message into rows; of bytes only the first are shown, unless `full`. */
export function printableMessage(message: ExplainedMessage, full: boolean): PrintableMessage {
  const { tree: _, ...rest } = message;
  return {
    ...rest,
    clear: fieldRows(message.clear, full),
    sealed: message.sealed.map(({ opened: _, at: __, equalBlocks: ___, ...part }) => ({
      ...part,
      contents: part.contents && fieldRows(part.contents, full),
    })),
  };
}

/** How text is shown. */
export interface TextStyle {
  readonly colour: boolean;
  /** Whether to print all bytes of a message. */
  readonly full: boolean;
}

const WIDTH = 100;
const NAME_WIDTH = 20;
const SYMBOL_WIDTH = 17;
const HEX_BYTES = 44;

/** The lines of one message. */
export function messageLines(message: PrintableMessage, style: TextStyle): string[] {
  const { number, from, to, textbook, rfc, message: name, bytes, at, clear, sealed } = message;
  const bold = paint(style, 1);
  const dim = paint(style, 2);
  return [
    bold(`(${number}) ${from} → ${to}: ${textbook}`),
    dim(`    ${rfc} as ${name}, ${bytes} bytes, ${at.slice(11, 23)} UTC`),
    ...clear.flatMap((field) => fieldLines(field, "    ")),
    ...sealed.flatMap((part) => sealedLines(part, style)),
    ...hexLines(message.hex, style).map(dim),
    "",
  ];
}

/** A title with a rule below it. */
export function titleLines(text: string, style: TextStyle): string[] {
  return [paint(style, 1)(text), "─".repeat(WIDTH)];
}

function sealedLines(part: PrintablePart, style: TextStyle): string[] {
  const kvno = part.kvno > 0 ? `, kvno ${part.kvno}` : "";
  const head = `${part.symbol} = ${part.notation}`;
  const facts = `${part.field}: ${part.etype}${kvno}, ${part.bytes} bytes, key usage ${part.usage}`;
  const cyan = paint(style, 36);
  const opened =
    part.opens.length === 0
      ? `under ${part.key}, which nobody here holds`
      : `opened by ${part.opens.join(", ")} with ${part.key}`;
  const closed = [...part.closed, "who listens"].join(", ");
  return [
    cyan(`  ┌ ${head}`),
    `  │ ${facts}`,
    ...(part.contents ?? []).flatMap((field) => fieldLines(field, "  │   ")),
    `  └ ${opened}; closed to ${closed}`,
  ];
}

function fieldLines({ name, symbol = "", value }: FieldRow, indent: string): string[] {
  const head = `${indent}${name.padEnd(NAME_WIDTH)} ${symbol.padEnd(SYMBOL_WIDTH)} `;
  const [first = "", ...more] = wrapped(value, WIDTH - head.length).flatMap((line) =>
    chunks(line, WIDTH - head.length),
  );
  const rest = indent + " ".repeat(head.length - indent.length);
  return [head + first, ...more.map((line) => rest + line)];
}

function hexLines(hex: string, style: TextStyle): string[] {
  const lines = chunks(hex, HEX_BYTES * 2);
  if (style.full || lines.length <= 1) return lines.map((line) => `    ${line}`);
  return [`    ${lines[0]}…`, `    … ${hex.length / 2 - HEX_BYTES} more bytes; --full shows them`];
}

function chunks(text: string, size: number): string[] {
  return text.match(new RegExp(`.{1,${size}}`, "gsu")) ?? [""];
}

function paint({ colour }: TextStyle, code: number): (text: string) => string {
  return (text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
}
