/**
 * Edits of a good message, at the level of bytes and of Protobuf fields: what turns it into one that is
 * nearly good.
 */
import fc from "fast-check";
import { bytesField, joinFields, splitFields, varintField, type WireField } from "../support/wire-fields.js";

/** One edit, at a place that is taken modulo the size of what it meets. */
export interface Edit {
  readonly how: number;
  readonly at: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

type Change = (bytes: Uint8Array, edit: Edit) => Uint8Array;

/** Byte by byte, where the bytes need not be a message. */
const OF_BYTES: readonly Change[] = [
  (bytes, { at, value }) => changed(bytes, at, (byte) => byte ^ (1 << (value & 7))),
  (bytes, { at, value }) => changed(bytes, at, () => value & 0xff),
  (bytes, { at, value }) => spliced(bytes, at, 1 + (value & 3), new Uint8Array()),
  (bytes, { at, bytes: more }) => spliced(bytes, at, 0, more),
  (bytes, { at, bytes: more }) => spliced(bytes, at, more.length, more),
  (bytes, { at }) => bytes.subarray(0, at % (bytes.length + 1)),
  (bytes, { at, value }) => {
    const from = at % (bytes.length + 1);
    return spliced(bytes, value, 0, bytes.subarray(from, from + (value & 15)));
  },
  (bytes, { bytes: more }) => Buffer.concat([bytes, more]),
];

/** Field by field, at any depth. */
const OF_FIELDS: readonly Change[] = [
  onFields((fields, at) => fields.toSpliced(at, 1)),
  onFields((fields, at) => fields.toSpliced(at, 0, fields[at]!)),
  onFields((fields, at, { value }) => {
    const [moved] = fields.splice(at, 1);
    return fields.toSpliced(value % (fields.length + 1), 0, moved!);
  }),
  onFields((fields, at, { value }) => fields.with(at, varintField(fields[at]!.number, value))),
  onFields((fields, at, { bytes }) => fields.with(at, bytesField(fields[at]!.number, bytes))),
  onFields((fields, at, { value }) => fields.toSpliced(at, 0, varintField(1 + (value % 40), value))),
  onFields((fields, at, { value, bytes }) => fields.toSpliced(at, 0, bytesField(1 + (value % 40), bytes))),
  onFields((fields, at) => fields.with(at, withOverlongTag(fields[at]!))),
  onFields((fields, at, { value }) => {
    const depth = value % 300;
    const group = new Uint8Array(2 * depth).fill(0x0b, 0, depth).fill(0x0c, depth);
    return fields.toSpliced(at, 0, { number: 1, raw: group, value: undefined });
  }),
];

const ALL = [...OF_BYTES, ...OF_FIELDS, ...OF_FIELDS];

/** Some edits; three numbers each, for that is what is quickly made by the hundred thousand. */
export const edits: fc.Arbitrary<readonly Edit[]> = fc
  .array(fc.tuple(fc.nat(ALL.length - 1), fc.nat(0xffff), fc.nat()), { minLength: 1, maxLength: 3 })
  .map((numbers) => numbers.map(([how, at, value]) => ({ how, at, value, bytes: bytesOf(value) })));

/** Up to six bytes. */
function bytesOf(value: number): Uint8Array {
  return Uint8Array.from({ length: value % 7 }, (_, i) => (value >>> (4 * i)) & 0xff);
}

/** The bytes after the edits. */
export function edited(bytes: Uint8Array, changes: readonly Edit[]): Uint8Array {
  return changes.reduce<Uint8Array>((now, edit) => ALL[edit.how]!(now, edit), bytes);
}

function changed(bytes: Uint8Array, at: number, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = Uint8Array.from(bytes);
  copy[at % copy.length] = change(copy[at % copy.length]!);
  return copy;
}

function spliced(bytes: Uint8Array, at: number, cut: number, more: Uint8Array): Uint8Array {
  const from = at % (bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, from), more, bytes.subarray(from + cut)]);
}

/**
 * A change of one message's fields, or of those of a message within it. What is no message stays as it is.
 */
function onFields(change: (fields: WireField[], at: number, edit: Edit) => WireField[]): Change {
  const descend: Change = (bytes, edit) => {
    const fields = fieldsOf(bytes);
    if (fields === undefined) return bytes;
    const at = edit.at % fields.length;
    const inner = fields[at]!.value;
    if ((edit.value & 1) === 1 && inner !== undefined && fieldsOf(inner) !== undefined) {
      const next = { ...edit, at: edit.at >>> 3, value: edit.value >>> 1 };
      return joinFields(fields.with(at, bytesField(fields[at]!.number, descend(inner, next))));
    }
    return joinFields(change(fields, at, edit));
  };
  return descend;
}

function fieldsOf(bytes: Uint8Array): WireField[] | undefined {
  try {
    const fields = splitFields(bytes);
    return fields.length === 0 ? undefined : fields;
  } catch {
    return undefined;
  }
}

/** The same field, its tag a byte longer than need be. */
function withOverlongTag({ number, raw, value }: WireField): WireField {
  let end = 0;
  while (raw[end]! >= 0x80) end++;
  const tag = Uint8Array.from([...raw.subarray(0, end), raw[end]! | 0x80, 0]);
  return { number, raw: Buffer.concat([tag, raw.subarray(end + 1)]), value };
}
