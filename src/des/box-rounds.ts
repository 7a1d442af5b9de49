/**
 * Enciphering blocks that depend on each other, as in CBC encryption (FIPS 46-3, "Enciphering"; FIPS 81 §3),
 * in the box layout. Here only the time from one lookup to the next counts.
 *
 * IP only moves bits, so IP(P ⊕ C) = IP(P) ⊕ IP(C), and IP(C) is the preoutput from which C was made. The
 * chain therefore runs from one preoutput to the next L and R, and the permutations of one block run while
 * the rounds of another wait.
 */
import { BOXES } from "./fast-tables.js";
import * as workspace from "./workspace.js";

const [S1_S3_S5_S7, S2_S4_S6_S8] = BOXES as [Int32Array, Int32Array];
const { SUBKEYS, VIEW } = workspace;

/** The six bits of each byte that an S-box reads. */
const SIX_BITS = 0x3f3f3f3f;

/**
 * Enciphers the first `size` bytes of the workspace in place, each block after the first XORed with the
 * ciphertext before it, under the first `subkeyCount` words of subkeys.
 */
export function encipherChained(size: number, subkeyCount: number): void {
  let l = 0;
  let r = 0;
  for (let i = 0; i < size; i += 8) {
    let x = VIEW.getInt32(i);
    let y = VIEW.getInt32(i + 4);
    let t = ((x >>> 4) ^ y) & 0x0f0f0f0f;
    y ^= t;
    x ^= t << 4;
    t = ((x >>> 16) ^ y) & 0x0000ffff;
    y ^= t;
    x ^= t << 16;
    t = ((y >>> 2) ^ x) & 0x33333333;
    x ^= t;
    y ^= t << 2;
    t = ((y >>> 8) ^ x) & 0x00ff00ff;
    x ^= t;
    y ^= t << 8;
    t = ((x >>> 1) ^ y) & 0x55555555;
    y ^= t;
    x ^= t << 1;
    l ^= (x << 1) | (x >>> 31);
    r ^= (y << 1) | (y >>> 31);
    for (let stage = 0; stage < subkeyCount; stage += 32) {
      for (let k = stage; k < stage + 32; k += 4) {
        l = round(l, r, subkey(k), subkey(k + 1));
        r = round(r, l, subkey(k + 2), subkey(k + 3));
      }
      // The preoutput of a stage is R16 L16.
      t = l;
      l = r;
      r = t;
    }
    x = (l >>> 1) | (l << 31);
    y = (r >>> 1) | (r << 31);
    t = ((x >>> 1) ^ y) & 0x55555555;
    y ^= t;
    x ^= t << 1;
    t = ((y >>> 8) ^ x) & 0x00ff00ff;
    x ^= t;
    y ^= t << 8;
    t = ((y >>> 2) ^ x) & 0x33333333;
    x ^= t;
    y ^= t << 2;
    t = ((x >>> 16) ^ y) & 0x0000ffff;
    y ^= t;
    x ^= t << 16;
    t = ((x >>> 4) ^ y) & 0x0f0f0f0f;
    y ^= t;
    x ^= t << 4;
    VIEW.setInt32(i, x);
    VIEW.setInt32(i + 4, y);
  }
}

/**
 * L ⊕ f(R, K). u is what E gives S1 S3 S5 S7, XORed with their half of the subkey, v the same for S2 S4 S6
 * S8; the marks in the subkey point each byte at its own box's part of the table. The results are XORed in
 * two chains, the earliest ones in the first: in a single chain each would wait for the one before.
 */
function round(l: number, r: number, k1: number, k2: number): number {
  const u = (((r << 28) | (r >>> 4)) & SIX_BITS) ^ k1;
  const v = (r & SIX_BITS) ^ k2;
  return (
    l ^
    S2_S4_S6_S8[v & 255]! ^
    S2_S4_S6_S8[v >>> 24]! ^
    S1_S3_S5_S7[u & 255]! ^
    S1_S3_S5_S7[u >>> 24]! ^
    (S2_S4_S6_S8[(v >>> 8) & 255]! ^
      S2_S4_S6_S8[(v >>> 16) & 255]! ^
      S1_S3_S5_S7[(u >>> 8) & 255]! ^
      S1_S3_S5_S7[(u >>> 16) & 255]!)
  );
}

function subkey(place: number): number {
  return SUBKEYS[place]!;
}
