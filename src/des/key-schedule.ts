/**
 * The key schedule KS (FIPS 46-3, "The Key Schedule") and the three stages of triple DES, EDE (SP 800-67 §3.1).
 *
 * Two words a round: the first holds what meets S1, S3, S5, S7 (six bits at the low end of each byte), the second
 * S2, S4, S6, S8.
 */
import { requireKeySize } from "./argument-checks.js";
import { LEFT_SHIFTS, PC1, PC2 } from "./tables.js";

/** The subkeys of one key, ready for both directions. Made by `createKeySchedule`; what is inside is this room's. */
export class KeySchedule {
  /** Stages of sixteen rounds: 1 for DES, 3 for triple DES, 0 once wiped. */
  stages: number;
  /** Subkeys in the order of encryption, 32 words a stage. */
  readonly encryption: Int32Array;
  /** The same in the order of decryption. */
  readonly decryption: Int32Array;

  constructor(stages: number) {
    this.stages = stages;
    this.encryption = new Int32Array(32 * stages);
    this.decryption = new Int32Array(32 * stages);
  }
}

/**
 * Computes the subkeys of `key`: 8 bytes for DES, 16 (K1 K2, used K1 K2 K1) or 24 (K1 K2 K3) for triple DES. Parity
 * bits are ignored. Throws a RangeError for any other size. Keeps nothing of `key`; the schedule is the caller's, to
 * wipe when done.
 */
export function createKeySchedule(key: Uint8Array): KeySchedule {
  requireKeySize(key);
  const schedule = new KeySchedule(key.length === 8 ? 1 : 3);
  const { encryption, decryption } = schedule;
  expandKey(key, 0, encryption, 0);
  if (schedule.stages === 3) {
    // The middle stage deciphers: its rounds run backwards.
    expandKey(key, 8, decryption, 32);
    reverseRounds(decryption, 32, encryption, 32, 16);
    expandKey(key, key.length === 24 ? 16 : 0, encryption, 64);
  }
  reverseRounds(encryption, 0, decryption, 0, 16 * schedule.stages);
  return schedule;
}

/** Overwrites the subkeys with zeros; the schedule is of no use afterwards. What the engine copied is out of reach. */
export function wipeKeySchedule(schedule: KeySchedule): void {
  schedule.stages = 0;
  schedule.encryption.fill(0);
  schedule.decryption.fill(0);
}

/** Throws an Error if `schedule` has been wiped, rather than encipher under subkeys of zeros. */
export function requireLiveSchedule(schedule: KeySchedule): void {
  if (!(schedule instanceof KeySchedule)) {
    throw new TypeError(
      `schedule: expected a KeySchedule, got ${schedule === null ? "null" : typeof schedule}`,
    );
  }
  if (schedule.stages === 0) {
    throw new Error("schedule: expected a live key schedule, got a wiped one");
  }
}

/** Writes the 32 words of the key at `key[keyOffset]` to `words[offset]` and on. */
function expandKey(key: Uint8Array, keyOffset: number, words: Int32Array, offset: number): void {
  const chosen = PC1.map((bit) => (key[keyOffset + ((bit - 1) >>> 3)]! >>> (7 - ((bit - 1) & 7))) & 1);
  let c = chosen.slice(0, 28);
  let d = chosen.slice(28);
  for (let round = 0; round < 16; round++) {
    const shift = LEFT_SHIFTS[round]!;
    c = [...c.slice(shift), ...c.slice(0, shift)];
    d = [...d.slice(shift), ...d.slice(0, shift)];
    const cd = [...c, ...d];
    const groups = new Array<number>(8).fill(0);
    PC2.forEach((bit, i) => {
      const group = Math.floor(i / 6);
      groups[group] = (groups[group]! << 1) | cd[bit - 1]!;
    });
    words[offset + 2 * round] = (groups[0]! << 24) | (groups[2]! << 16) | (groups[4]! << 8) | groups[6]!;
    words[offset + 2 * round + 1] = (groups[1]! << 24) | (groups[3]! << 16) | (groups[5]! << 8) | groups[7]!;
  }
}

function reverseRounds(
  from: Int32Array,
  fromOffset: number,
  to: Int32Array,
  toOffset: number,
  rounds: number,
): void {
  for (let round = 0; round < rounds; round++) {
    const source = fromOffset + 2 * (rounds - 1 - round);
    to[toOffset + 2 * round] = from[source]!;
    to[toOffset + 2 * round + 1] = from[source + 1]!;
  }
}
