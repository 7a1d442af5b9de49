/**
 * The key schedule KS (FIPS 46-3, "The Key Schedule") and the three stages of triple DES, EDE (SP 800-67 rev.
 * 2 §3.1).
 *
 * Subkeys are made when a mode asks for them, straight into the workspace. They are kept once a key is used a
 * second time in the same way: many keys are used only once, and keeping costs half as much as making.
 */
import { requireKeySize } from "./argument-checks.js";
import * as keyTables from "./key-tables.js";
import * as tables from "./tables.js";
import * as workspace from "./workspace.js";

const { HALF_BITS, PC1_LOOKUP, PC2_BOX, PC2_LOOKUP, PC2_PAIR } = keyTables;
const { LEFT_SHIFTS } = tables;
const { SUBKEYS } = workspace;
const HALF_MASK = (1 << HALF_BITS) - 1;

/** A way of using subkeys: in which layout (`fast-tables.ts`), and in which order. */
export interface SubkeyUse {
  /** Its place among the kept ones. */
  readonly index: 0 | 1 | 2;
  readonly layout: keyTables.Pc2Layout;
  /** The last round's subkeys come first: for decryption (FIPS 46-3, "Deciphering"). */
  readonly backwards: boolean;
}

/** For CBC encryption. */
export const BOXES_FORWARD: SubkeyUse = { index: 0, layout: PC2_BOX, backwards: false };
/** For ECB encryption. */
export const PAIRS_FORWARD: SubkeyUse = { index: 1, layout: PC2_PAIR, backwards: false };
/** For decryption. */
export const PAIRS_BACKWARD: SubkeyUse = { index: 2, layout: PC2_PAIR, backwards: true };

/** Stands for subkeys that are not kept. */
const NONE: number[] = [];
const NOTHING_KEPT: number[][] = [NONE, NONE, NONE];

/**
 * The subkeys of one key, for both directions. Made by `createKeySchedule`; its contents are private to this
 * folder.
 */
export class KeySchedule {
  /** C and D of each stage, as PC-1 gives them: two words for DES, six for triple DES, none once wiped. */
  readonly halves: number[];
  /** One bit for each use made of it so far. */
  used = 0;
  /** Subkeys by use, two words a round; empty where not kept. */
  kept: number[][] = NOTHING_KEPT;

  constructor(halves: number[]) {
    this.halves = halves;
  }
}

/**
 * Makes the key schedule of `key`: 8 bytes for DES, 16 (K1 K2, used as K1 K2 K1) or 24 (K1 K2 K3) for triple
 * DES. Parity bits are ignored. Throws a RangeError for any other size. Keeps no reference to `key`; the
 * caller owns the schedule and wipes it when done.
 */
export function createKeySchedule(key: Uint8Array): KeySchedule {
  requireKeySize(key);
  const c = halfOf(key, 0, 0);
  const d = halfOf(key, 0, 1024);
  if (key.length === 8) return new KeySchedule([c, d]);
  const third = key.length === 24 ? 16 : 0;
  return new KeySchedule([
    c,
    d,
    halfOf(key, 8, 0),
    halfOf(key, 8, 1024),
    halfOf(key, third, 0),
    halfOf(key, third, 1024),
  ]);
}

/**
 * Overwrites the schedule with zeros and makes it unusable. Copies the engine may have made are out of reach.
 */
export function wipeKeySchedule(schedule: KeySchedule): void {
  requireSchedule(schedule);
  for (const numbers of [schedule.halves, ...schedule.kept]) {
    numbers.fill(0);
    numbers.length = 0;
  }
}

/**
 * Puts the subkeys for a use into the workspace and returns how many words they take. Throws a TypeError if
 * `schedule` is not a key schedule, an Error if it has been wiped.
 */
export function loadSubkeys(schedule: KeySchedule, { index, layout, backwards }: SubkeyUse): number {
  requireSchedule(schedule);
  const { halves } = schedule;
  if (halves.length === 0) throw new Error("schedule: expected a key schedule in use, got a wiped one");
  const count = 16 * halves.length;
  const kept = schedule.kept[index]!;
  for (let i = 0; i < kept.length; i++) setSubkey(i, kept[i]!);
  if (kept.length > 0) return count;
  expand(halves, layout, backwards);
  if ((schedule.used & (1 << index)) !== 0) keep(schedule, index, count);
  schedule.used |= 1 << index;
  return count;
}

function keep(schedule: KeySchedule, index: number, count: number): void {
  if (schedule.kept === NOTHING_KEPT) schedule.kept = [NONE, NONE, NONE];
  schedule.kept[index] = Array.from(SUBKEYS.subarray(0, count));
}

function requireSchedule(schedule: KeySchedule): void {
  if (!(schedule instanceof KeySchedule)) {
    throw new TypeError(
      `schedule: expected a KeySchedule, got ${schedule === null ? "null" : typeof schedule}`,
    );
  }
}

/** C or D of the eight key bytes from `offset` on; `half` is where its part of PC-1 begins. */
function halfOf(key: Uint8Array, offset: number, half: number): number {
  let bits = 0;
  for (let i = 0; i < 8; i++) {
    bits |= PC1_LOOKUP[half + 128 * i + (key[offset + i]! >>> 1)]!;
  }
  return bits;
}

/** Makes the subkeys of one stage or of three. */
function expand(halves: readonly number[], layout: keyTables.Pc2Layout, backwards: boolean): void {
  const { base, cMask, dMask, turn, marks } = layout;
  const last = 16 * halves.length - 2;
  for (let stage = 0; 2 * stage < halves.length; stage++) {
    let c = halves[2 * stage]!;
    let d = halves[2 * stage + 1]!;
    // The middle stage deciphers. ^ 30 counts the sixteen rounds backwards and leaves the two words of each
    // in order.
    const middle = stage === 1 ? 30 : 0;
    for (let round = 0; round < 16; round++) {
      const shift = LEFT_SHIFTS[round]!;
      c = ((c << shift) | (c >>> (HALF_BITS - shift))) & HALF_MASK;
      d = ((d << shift) | (d >>> (HALF_BITS - shift))) & HALF_MASK;
      const fromC = choose(c, base);
      const fromD = choose(d, base + 512);
      const second = (fromC & ~cMask) | (fromD & ~dMask);
      const forward = 32 * stage + ((2 * round) ^ middle);
      const place = backwards ? last - forward : forward;
      setSubkey(place, (fromC & cMask) | (fromD & dMask) | marks);
      setSubkey(place + 1, (second >>> turn) | (second << (32 - turn)) | marks);
    }
  }
}

/** What PC-2 takes from C or from D. */
function choose(half: number, base: number): number {
  return (
    PC2_LOOKUP[base + (half >>> 21)]! |
    PC2_LOOKUP[base + 128 + ((half >>> 14) & 127)]! |
    PC2_LOOKUP[base + 256 + ((half >>> 7) & 127)]! |
    PC2_LOOKUP[base + 384 + (half & 127)]!
  );
}

function setSubkey(place: number, word: number): void {
  SUBKEYS[place] = word;
}
