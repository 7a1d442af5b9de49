/**
 * The key schedule KS (FIPS 46-3, "The Key Schedule") and the three stages of triple DES, EDE (SP 800-67 rev. 2 §3.1).
 *
 * The subkeys are made when a mode first asks for them, since the modes want them in different layouts (`fast-tables.ts`)
 * and few callers use both.
 */
import { requireKeySize } from "./argument-checks.js";
import { BOX_ROWS, PAIR_ROWS } from "./key-tables.js";

/** Stands for subkeys that nobody has asked for yet. */
const NONE: number[] = [];

/** The subkeys of one key, good for both directions. Made by `createKeySchedule`; what is inside is this room's. */
export class KeySchedule {
  /** The upper seven bits of the eight key bytes of each stage: one list for DES, three for triple DES, none once wiped. */
  readonly keys: number[][];
  /** Two words a round in the order of encryption: 32 for DES, 96 for triple DES; empty until asked for. */
  boxes: number[] = NONE;
  /** The same in the pair layout. */
  pairs: number[] = NONE;

  constructor(keys: number[][]) {
    this.keys = keys;
  }
}

/**
 * Makes the key schedule of `key`: 8 bytes for DES, 16 (K1 K2, used as K1 K2 K1) or 24 (K1 K2 K3) for triple DES. Parity
 * bits are ignored. Throws a RangeError for any other size. Keeps no reference to `key`; the schedule is the caller's,
 * to wipe when done.
 */
export function createKeySchedule(key: Uint8Array): KeySchedule {
  requireKeySize(key);
  const first = withoutParity(key, 0);
  if (key.length === 8) {
    return new KeySchedule([first]);
  }
  return new KeySchedule([first, withoutParity(key, 8), withoutParity(key, key.length === 24 ? 16 : 0)]);
}

/** Overwrites the schedule with zeros and makes it unusable. Copies the engine may have made are out of reach. */
export function wipeKeySchedule(schedule: KeySchedule): void {
  requireSchedule(schedule);
  for (const numbers of [...schedule.keys, schedule.boxes, schedule.pairs]) {
    numbers.fill(0);
    numbers.length = 0;
  }
  schedule.keys.length = 0;
}

/** The subkeys in the box layout, in the order of encryption. Throws an Error if `schedule` has been wiped. */
export function boxSubkeys(schedule: KeySchedule): readonly number[] {
  requireSchedule(schedule);
  if (schedule.boxes.length === 0) {
    schedule.boxes = expand(schedule.keys, BOX_ROWS);
  }
  return schedule.boxes;
}

/** The subkeys in the pair layout, in the order of encryption. Throws an Error if `schedule` has been wiped. */
export function pairSubkeys(schedule: KeySchedule): readonly number[] {
  requireSchedule(schedule);
  if (schedule.pairs.length === 0) {
    schedule.pairs = expand(schedule.keys, PAIR_ROWS);
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

function withoutParity(key: Uint8Array, offset: number): number[] {
  return [
    key[offset]! >>> 1,
    key[offset + 1]! >>> 1,
    key[offset + 2]! >>> 1,
    key[offset + 3]! >>> 1,
    key[offset + 4]! >>> 1,
    key[offset + 5]! >>> 1,
    key[offset + 6]! >>> 1,
    key[offset + 7]! >>> 1,
  ];
}

/** The subkeys of one stage or three, as the OR of eight rows. */
function expand(keys: readonly number[][], rows: Int32Array): number[] {
  if (keys.length === 0) {
    throw new Error("schedule: expected a key schedule in use, got a wiped one");
  }
  const words = new Array<number>(32 * keys.length);
  for (let stage = 0; stage < keys.length; stage++) {
    const key = keys[stage]!;
    const a = 32 * key[0]!;
    const b = 32 * (128 + key[1]!);
    const c = 32 * (256 + key[2]!);
    const d = 32 * (384 + key[3]!);
    const e = 32 * (512 + key[4]!);
    const f = 32 * (640 + key[5]!);
    const g = 32 * (768 + key[6]!);
    const h = 32 * (896 + key[7]!);
    // The middle stage deciphers. i ^ 30 counts the sixteen rounds backwards and leaves the two words of each in order.
    const turn = stage === 1 ? 30 : 0;
    for (let i = 0; i < 32; i++) {
      words[32 * stage + (i ^ turn)] =
        rows[a + i]! |
        rows[b + i]! |
        rows[c + i]! |
        rows[d + i]! |
        rows[e + i]! |
        rows[f + i]! |
        rows[g + i]! |
        rows[h + i]!;
    }
  }
  return words;
}
