/**
 * How a keytab is changed in place, as MIT does it: an entry fills the first hole that is large enough, or is
 * appended. It counts from the moment its length word is written, which is last.
 */
import type { FileWrite } from "./file-write.js";
import { FormatWriter } from "./format-bytes.js";
import { formatKeytabEntry, type KeytabEntry, type KeytabLayout, type KeytabSlot } from "./keytab.js";

/** A change that adds entries to a keytab. */
export interface KeytabAddition {
  /** The entries, which nobody sees yet. They must be on the disk before the length words are written. */
  readonly bodies: readonly FileWrite[];
  /** Their length words, from which moment the entries count. */
  readonly lengths: readonly FileWrite[];
  /** Turns them into holes again, if the file can't be cut back to `undoSize`. */
  readonly undo: readonly FileWrite[];
  /** What the file is first cut back to; undefined: nothing is cut off. */
  readonly undoSize: number | undefined;
}

/**
 * Plans how entries are added.
 * @throws RangeError for a keytab that ends inside an entry, after which nothing could be read; as
 *   `formatKeytab`.
 */
export function planAddition(layout: KeytabLayout, entries: readonly KeytabEntry[]): KeytabAddition {
  const holes = layout.slots.filter(({ held }) => held === undefined);
  const bodies: FileWrite[] = [];
  const taken: KeytabSlot[] = [];
  let { end } = layout;
  for (const entry of entries) {
    const body = formatKeytabEntry(entry);
    const hole = holes.find(({ size }) => size >= body.length);
    if (hole !== undefined) {
      holes.splice(holes.indexOf(hole), 1);
      taken.push({ ...hole, held: entry });
      bodies.push({ offset: hole.offset + 4, bytes: padded(body, hole.size) });
      continue;
    }
    if (end === undefined)
      throw new RangeError("keytab: expected whole entries, got one that ends inside an entry");
    taken.push({ offset: end, size: body.length, held: entry });
    bodies.push({ offset: end, bytes: new FormatWriter().uint32(0).secret(body).finish() });
    end += 4 + body.length;
  }
  // Whatever follows the end of the keytab must not be taken for its next entry.
  if (end !== undefined && end !== layout.end && end < layout.fileSize)
    bodies.push({ offset: end, bytes: new Uint8Array(4) });
  const undoSize = layout.end === layout.fileSize ? layout.fileSize : undefined;
  return {
    bodies,
    lengths: taken.map(({ offset, size }) => lengthWord(offset, size)),
    undo: planRemoval(taken.filter(({ offset }) => offset < (undoSize ?? Number.POSITIVE_INFINITY))),
    undoSize,
  };
}

/**
 * Plans how entries become holes: first the length word, then zeros over the entry, so that nothing of the
 * key stays.
 */
export function planRemoval(slots: readonly KeytabSlot[]): FileWrite[] {
  return slots.map(({ offset, size }) => ({
    offset,
    bytes: new FormatWriter().uint32(-size).bytes(new Uint8Array(size)).finish(),
  }));
}

function lengthWord(offset: number, size: number): FileWrite {
  return { offset, bytes: new FormatWriter().uint32(size).finish() };
}

function padded(bytes: Uint8Array, size: number): Uint8Array {
  const whole = new Uint8Array(size);
  whole.set(bytes);
  bytes.fill(0);
  return whole;
}
