/**
 * A tree of fields as rows of names and text: the name of an inner field begins with that of the outer one.
 */
import { visible } from "../../errors/visible-text.js";
import type { Field, FieldValue } from "../../lab/fields.js";

/** A field, ready to print. */
export interface FieldRow {
  readonly name: string;
  /** The textbook's symbol, where it has one. */
  readonly symbol?: string;
  readonly value: string;
}

/** The rows of a tree. Of bytes only the first 16 are shown, unless `full`. */
export function fieldRows(fields: readonly Field[], full: boolean, prefix = ""): FieldRow[] {
  return fields.flatMap(({ name, symbol, value }) => {
    if (typeof value === "object" && "fields" in value) {
      if (!("holds" in value)) return fieldRows(value.fields, full, `${prefix}${name}.`);
      const inside = fieldRows(value.fields, full).map((row) => ({ ...row, name: `  ${row.name}` }));
      return [{ name: prefix + name, value: value.holds }, ...inside];
    }
    return [{ name: prefix + name, ...(symbol !== undefined && { symbol }), value: valueText(value, full) }];
  });
}

const SHOWN_BYTES = 16;

function valueText(value: FieldValue, full: boolean): string {
  if (typeof value === "string") return visible(value);
  if ("hex" in value) return hexText(value.hex, full);
  if ("withheld" in value) return `[redacted] ${value.withheld}`;
  if ("fields" in value)
    return fieldRows(value.fields, full)
      .map((row) => `${row.name} ${row.value}`)
      .join(" ");
  return value.map((one) => valueText(one, full)).join(", ");
}

function hexText(hex: string, full: boolean): string {
  const bytes = hex.length / 2;
  return full || bytes <= SHOWN_BYTES ? hex : `${hex.slice(0, SHOWN_BYTES * 2)}… (${bytes} bytes)`;
}
