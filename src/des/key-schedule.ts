/**
 * The key schedule KS (FIPS 46-3, "The Key Schedule") and the three stages of triple DES, EDE (SP 800-67 rev. 2 §3.1).
 *
 * PC-1 is done when the schedule is made; the subkeys follow when a mode first asks for them, since the modes want
 * them in different layouts (`fast-tables.ts`) and few callers use both.
 */
import { requireKeySize } from "./argument-checks.js";
import { BOX_SUBKEYS, PAIR_SUBKEYS, PC1_C, PC1_D, type SubkeyTable } from "./key-tables.js";
import { LEFT_SHIFTS } from "./tables.js";

/** Stands for subkeys that nobody has asked for yet. */
const NONE: number[] = [];

/** The subkeys of one key, good for both directions. Made by `createKeySchedule`; what is inside is this room's. */
export class KeySchedule {
  /** C0 and D0 of each stage: two numbers for DES, six for triple DES, none once wiped. */
  readonly halves: number[];
  /** Two words a round in the order of encryption: 32 for DES, 96 for triple DES; empty until asked for. */
  boxes: number[] = NONE;
  /** The same in the pair layout. */
  pairs: number[] = NONE;

  constructor(halves: number[]) {
    this.halves = halves;
  }
}

/**
 * Makes the key schedule of `key`: 8 bytes for DES, 16 (K1 K2, used as K1 K2 K1) or 24 (K1 K2 K3) for triple DES. Parity
 * bits are ignored. Throws a RangeError for any other size. Keeps no reference to `key`; the schedule is the caller's,
 * to wipe when done.
 */
export function createKeySchedule(key: Uint8Array): KeySchedule {
  requireKeySize(key);
  const c = choose(PC1_C, key, 0);
  const d = choose(PC1_D, key, 0);
  if (key.length === 8) {
    return new KeySchedule([c, d]);
  }
  const third = key.length === 24 ? 16 : 0;
  return new KeySchedule([
    c,
    d,
    choose(PC1_C, key, 8),
    choose(PC1_D, key, 8),
    choose(PC1_C, key, third),
    choose(PC1_D, key, third),
  ]);
}

/** Overwrites the schedule with zeros and makes it unusable. Copies the engine may have made are out of reach. */
export function wipeKeySchedule(schedule: KeySchedule): void {
  requireSchedule(schedule);
  for (const words of [schedule.halves, schedule.boxes, schedule.pairs]) {
    words.fill(0);
    words.length = 0;
  }
}

/** The subkeys in the box layout, in the order of encryption. Throws an Error if `schedule` has been wiped. */
export function boxSubkeys(schedule: KeySchedule): readonly number[] {
  requireSchedule(schedule);
  if (schedule.boxes.length === 0) {
    schedule.boxes = expand(schedule.halves, BOX_SUBKEYS);
  }
  return schedule.boxes;
}

/** The subkeys in the pair layout, in the order of encryption. Throws an Error if `schedule` has been wiped. */
export function pairSubkeys(schedule: KeySchedule): readonly number[] {
  requireSchedule(schedule);
  if (schedule.pairs.length === 0) {
    schedule.pairs = expand(schedule.halves, PAIR_SUBKEYS);
  }
  return schedule.pairs;
}

function requireSchedule(schedule: KeySchedule): void {
  if (!(schedule instanceof KeySchedule)) {
    throw new TypeError(
      `schedule: expected a KeySchedule, got ${schedule === null ? "null" : typeof schedule}`,
    );
  }
}

/** PC-1: C0 or D0 of the 8 bytes of `key` from `offset` on, whichever `table` is for. */
function choose(table: Int32Array, key: Uint8Array, offset: number): number {
  let half = 0;
  for (let i = 0; i < 8; i++) {
    half |= table[128 * i + (key[offset + i]! >>> 1)]!;
  }
  return half;
}

/** The shifts and PC-2, for one stage or three. The middle stage deciphers: its rounds run backwards. */
function expand(halves: readonly number[], { first, second }: SubkeyTable): number[] {
  if (halves.length === 0) {
    throw new Error("schedule: expected a key schedule in use, got a wiped one");
  }
  const words = new Array<number>(16 * halves.length);
  for (let stage = 0; 2 * stage < halves.length; stage++) {
    let c = halves[2 * stage]!;
    let d = halves[2 * stage + 1]!;
    for (let round = 0; round < 16; round++) {
      const shift = LEFT_SHIFTS[round]!;
      c = ((c << shift) | (c >>> (28 - shift))) & 0xfffffff;
      d = ((d << shift) | (d >>> (28 - shift))) & 0xfffffff;
      const c1 = c >>> 21;
      const c2 = 128 + ((c >>> 14) & 127);
      const c3 = 256 + ((c >>> 7) & 127);
      const c4 = 384 + (c & 127);
      const d1 = 512 + (d >>> 21);
      const d2 = 640 + ((d >>> 14) & 127);
      const d3 = 768 + ((d >>> 7) & 127);
      const d4 = 896 + (d & 127);
      const place = 32 * stage + 2 * (stage === 1 ? 15 - round : round);
      words[place] =
        first[c1]! | first[c2]! | first[c3]! | first[c4]! | first[d1]! | first[d2]! | first[d3]! | first[d4]!;
      words[place + 1] =
        second[c1]! |
        second[c2]! |
        second[c3]! |
        second[c4]! |
        second[d1]! |
        second[d2]! |
        second[d3]! |
        second[d4]!;
    }
  }
  return words;
}
