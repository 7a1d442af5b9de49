/** JSON as lines for a person: `name: value`, inner values indented, lists with dashes. */
import type { JsonValue } from "@bufbuild/protobuf";

/** The lines of a value. */
export function readableLines(value: JsonValue, indent = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => itemLines(item, indent));
  if (value === null || typeof value !== "object")
    return textLines(String(value)).map((line) => indent + line);
  return Object.entries(value).flatMap(([name, item]) => {
    const flat = Array.isArray(item) && item.every((one) => one === null || typeof one !== "object");
    if (flat) return [`${indent}${name}: ${item.map((one) => printable(String(one))).join(", ")}`];
    if (item !== null && typeof item === "object")
      return [`${indent}${name}:`, ...readableLines(item, `${indent}  `)];
    const [first = "", ...more] = textLines(String(item));
    return [`${indent}${name}: ${first}`, ...more.map((line) => `${indent}  ${line}`)];
  });
}

/** Text without control characters: text from elsewhere must not steer the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "\uFFFD");
}

function itemLines(item: JsonValue, indent: string): string[] {
  const [first = "", ...more] = readableLines(item, "");
  return [`${indent}- ${first}`, ...more.map((line) => `${indent}  ${line}`)];
}

function textLines(text: string): string[] {
  return text.split("\n").map(printable);
}
