/** JSON as lines for a person: `name: value`, inner values indented, lists with dashes. */
import type { JsonValue } from "@bufbuild/protobuf";
import { visible } from "../../errors/visible-text.js";

/** The lines of a value. */
export function readableLines(value: JsonValue, indent = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => itemLines(item, indent));
  if (value === null || typeof value !== "object")
    return textLines(String(value)).map((line) => indent + line);
  return Object.entries(value).flatMap(([name, item]) => {
    const flat = Array.isArray(item) && item.every((one) => one === null || typeof one !== "object");
    if (flat) return [`${indent}${visible(name)}: ${item.map((one) => visible(String(one))).join(", ")}`];
    if (item !== null && typeof item === "object")
      return [`${indent}${visible(name)}:`, ...readableLines(item, `${indent}  `)];
    const [first = "", ...more] = textLines(String(item));
    return [`${indent}${visible(name)}: ${first}`, ...more.map((line) => `${indent}  ${line}`)];
  });
}

function itemLines(item: JsonValue, indent: string): string[] {
  const [first = "", ...more] = readableLines(item, "");
  return [`${indent}- ${first}`, ...more.map((line) => `${indent}  ${line}`)];
}

function textLines(text: string): string[] {
  return text.split("\n").map(visible);
}
