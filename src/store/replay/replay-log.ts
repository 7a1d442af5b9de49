/**
 * How a replay cache's records are kept in a key-value store: a log of slots, and its state (docs/formats.md,
 * "Replay cache"). Bytes only; store-replay-cache.ts says who writes what and when.
 */
import { TAG_BYTES } from "../../collections/tag-set.js";
import { StoreError } from "../store-error.js";
import type { ClosedTime } from "./closed-times.js";
import type { Remembered } from "./remembered-tags.js";

/** What the keys of slots begin with. */
export const SLOTS = "log/";
/** The key of the state. */
export const STATE = "state";
/** A slot is full when it is this long, in bytes: longer ones take pages of their own on LMDB. */
export const FULL_SLOT = 1800;

const RECORD = 8 + 8 + TAG_BYTES;
const DIGITS = 12;

/** The state of a log. */
export interface LogState {
  /** Another whenever the log begins anew. */
  readonly generation: number;
  /** The width of the buckets in milliseconds: the same for all processes and for as long as the log is. */
  readonly width: number;
  /** The first slot that counts; those before it may be there or not. */
  readonly first: number;
  /** From these times nothing is accepted. */
  readonly closed: readonly ClosedTime[];
}

/** The key of a slot. */
export function slotKey(slot: number): string {
  return SLOTS + String(slot).padStart(DIGITS, "0");
}

/** The slot of a key. */
export function slotOf(key: string): number {
  return Number(key.slice(SLOTS.length));
}

/** Records as a slot holds them: ctime and expiry as doubles, and the tag, one after the other. */
export function encodeRecords(records: readonly Remembered[]): Buffer {
  const bytes = Buffer.allocUnsafe(records.length * RECORD);
  records.forEach(({ tag, ctime, expiry }, index) => {
    const at = index * RECORD;
    bytes.writeDoubleBE(ctime, at);
    bytes.writeDoubleBE(expiry, at + 8);
    bytes.set(tag, at + 16);
  });
  return bytes;
}

/** Reads them. Throws StoreError `corrupt` for what is none. */
export function decodeRecords(slot: number, value: Uint8Array): Remembered[] {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length % RECORD !== 0) throw damaged(`slot ${slot} has ${bytes.length} bytes`);
  return Array.from({ length: bytes.length / RECORD }, (_, index) => {
    const at = index * RECORD;
    const [ctime, expiry] = [bytes.readDoubleBE(at), bytes.readDoubleBE(at + 8)];
    if (!(ctime >= 0 && expiry >= 0)) throw damaged(`slot ${slot} has no times`);
    return { ctime, expiry, tag: bytes.subarray(at + 16, at + RECORD) };
  });
}

/** The state as it is stored: doubles. */
export function encodeState({ generation, width, first, closed }: LogState): Buffer {
  const numbers = [generation, width, first, ...closed.flatMap(({ from, through }) => [from, through])];
  const bytes = Buffer.alloc(numbers.length * 8);
  numbers.forEach((number, index) => void bytes.writeDoubleBE(number, index * 8));
  return bytes;
}

/** Reads it. Throws StoreError `corrupt` for what is none. */
export function decodeState(value: Uint8Array): LogState {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length < 24 || bytes.length % 16 !== 8) throw damaged(`its state has ${bytes.length} bytes`);
  const numbers = Array.from({ length: bytes.length / 8 }, (_, index) => bytes.readDoubleBE(index * 8));
  if (numbers.some(Number.isNaN)) throw damaged("its state has a number that is none");
  const [generation, width, first, ...times] = numbers as [number, number, number, ...number[]];
  if (!(width >= 1)) throw damaged("its state has no width");
  const closed = Array.from({ length: times.length / 2 }, (_, index) => ({
    from: times[2 * index] as number,
    through: times[2 * index + 1] as number,
  }));
  return { generation, width, first, closed };
}

function damaged(what: string): StoreError {
  return new StoreError("corrupt", `replay cache: damaged (${what}); tessera doctor --mend begins it anew`);
}
