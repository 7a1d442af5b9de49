/**
 * DES a step at a time, as FIPS 46-3 words it, for people who want to watch: from the tables as printed, with
 * every value on the way kept. Nothing else in this folder uses it. Slow, and its results hold the key: for
 * lessons alone.
 */
import { requireSize } from "./argument-checks.js";
import { E, IP, LEFT_SHIFTS, P, PC1, PC2, S } from "./tables.js";

/** Bits as `0` and `1`, the leftmost first; the standard numbers them from 1. */
export type Bits = string;

/** The key schedule of one key (FIPS 46-3, "The Key Schedule"). */
export interface KeySteps {
  /** The key's 64 bits; every eighth is parity. */
  readonly key: Bits;
  /** What PC-1 leaves of them: C0 and D0, 28 bits each. */
  readonly c0: Bits;
  readonly d0: Bits;
  /** The sixteen rounds, in order. */
  readonly rounds: readonly KeyRound[];
}

/** What the key schedule does for one round. */
export interface KeyRound {
  /** By how many places C and D of the round before are turned left. */
  readonly shift: number;
  readonly c: Bits;
  readonly d: Bits;
  /** What PC-2 chooses of C and D: 48 bits. */
  readonly subkey: Bits;
}

/** The enciphering of one block (FIPS 46-3, "Enciphering"). */
export interface BlockSteps {
  readonly input: Bits;
  /** The halves of what IP makes of the input. */
  readonly l0: Bits;
  readonly r0: Bits;
  readonly rounds: readonly BlockRound[];
  /** R16 and L16: the halves change places after the last round. */
  readonly preoutput: Bits;
  readonly output: Bits;
}

/** One round: from L and R of the round before to its own. */
export interface BlockRound {
  /** E(R): 48 bits. */
  readonly expanded: Bits;
  readonly subkey: Bits;
  /** E(R) ⊕ K: what the S-boxes read. */
  readonly mixed: Bits;
  readonly boxes: readonly BoxStep[];
  /** What the S-boxes give: 32 bits. */
  readonly substituted: Bits;
  /** f(R, K) = P of it. */
  readonly f: Bits;
  readonly l: Bits;
  readonly r: Bits;
}

/** What one S-box does. */
export interface BoxStep {
  readonly input: Bits;
  /** The first and the last bit of the input. */
  readonly row: number;
  /** The four bits between. */
  readonly column: number;
  readonly output: Bits;
}

/** The inverse of IP: output bit i of IP is its input bit. */
export const INVERSE_IP: readonly number[] = IP.map((_, i) => IP.indexOf(i + 1) + 1);

/** The key schedule of `key`, 8 bytes. Throws a RangeError for any other size. */
export function keySteps(key: Uint8Array): KeySteps {
  requireSize("key", key, 8);
  const bits = bitsOf(key);
  const chosen = select(bits, PC1);
  const c0 = chosen.slice(0, 28);
  const d0 = chosen.slice(28);
  const rounds: KeyRound[] = [];
  let c = c0;
  let d = d0;
  for (const shift of LEFT_SHIFTS) {
    c = turnLeft(c, shift);
    d = turnLeft(d, shift);
    rounds.push({ shift, c, d, subkey: select(c + d, PC2) });
  }
  return { key: bits, c0, d0, rounds };
}

/** The enciphering of `block`, 8 bytes, under a key schedule. Throws a RangeError for any other size. */
export function blockSteps(block: Uint8Array, key: KeySteps): BlockSteps {
  requireSize("block", block, 8);
  const input = bitsOf(block);
  const permuted = select(input, IP);
  const l0 = permuted.slice(0, 32);
  const r0 = permuted.slice(32);
  const rounds: BlockRound[] = [];
  let l = l0;
  let r = r0;
  for (const { subkey } of key.rounds) {
    const round = roundSteps(l, r, subkey);
    rounds.push(round);
    l = round.l;
    r = round.r;
  }
  const preoutput = r + l;
  return { input, l0, r0, rounds, preoutput, output: select(preoutput, INVERSE_IP) };
}

/** The bits of some bytes. */
export function bitsOf(bytes: Uint8Array): Bits {
  return Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
}

function roundSteps(l: Bits, r: Bits, subkey: Bits): BlockRound {
  const expanded = select(r, E);
  const mixed = xor(expanded, subkey);
  const boxes = S.map((box, i) => boxStep(box, mixed.slice(6 * i, 6 * i + 6)));
  const substituted = boxes.map(({ output }) => output).join("");
  const f = select(substituted, P);
  return { expanded, subkey, mixed, boxes, substituted, f, l: r, r: xor(l, f) };
}

function boxStep(box: readonly number[], input: Bits): BoxStep {
  const row = Number.parseInt(input[0]! + input[5]!, 2);
  const column = Number.parseInt(input.slice(1, 5), 2);
  return { input, row, column, output: box[16 * row + column]!.toString(2).padStart(4, "0") };
}

/** Entry i of a table names the bit that becomes bit i + 1. */
function select(bits: Bits, table: readonly number[]): Bits {
  return table.map((place) => bits[place - 1]!).join("");
}

function turnLeft(bits: Bits, places: number): Bits {
  return bits.slice(places) + bits.slice(0, places);
}

function xor(a: Bits, b: Bits): Bits {
  return Array.from(a, (bit, i) => (bit === b[i] ? "0" : "1")).join("");
}
