/**
 * Enciphering blocks that wait for each other, CBC encryption (FIPS 46-3, "Enciphering"; FIPS 81 §3), in the box
 * layout. Here the time from one lookup to the next is all that counts.
 *
 * IP moves bits and no more, so IP(P ⊕ C) = IP(P) ⊕ IP(C), and IP(C) is the preoutput that C was made of. The chain
 * therefore runs from preoutput to the next L and R, and the permutations of one block are done while the rounds
 * of another wait.
 */
import { BOXES } from "./fast-tables.js";
import * as workspace from "./workspace.js";

type EightTables = [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];
const [S1, S2, S3, S4, S5, S6, S7, S8] = BOXES as EightTables;
const { SUBKEYS, VIEW } = workspace;

/**
 * Enciphers the first `size` bytes of the workspace in place, each block after the first XORed with the ciphertext
 * before it, under the first `subkeyCount` words of subkeys.
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
    // A round is L ⊕ f(R, K): what E hands to S1 S3 S5 S7 meets its half of the subkey in u, S2 S4 S6 S8 theirs in v. The eight
    // answers are joined as a tree: in a row each would wait for the one before.
    let u: number;
    let v: number;
    if (subkeyCount === 32) {
      // DES, all sixteen rounds written out: V8 then knows the place of every subkey, which saves a tenth of the time.
      u = turned(r) ^ subkey(0);
      v = r ^ subkey(1);
      l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(l) ^ subkey(2);
      v = l ^ subkey(3);
      r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(r) ^ subkey(4);
      v = r ^ subkey(5);
      l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(l) ^ subkey(6);
      v = l ^ subkey(7);
      r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(r) ^ subkey(8);
      v = r ^ subkey(9);
      l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(l) ^ subkey(10);
      v = l ^ subkey(11);
      r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(r) ^ subkey(12);
      v = r ^ subkey(13);
      l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(l) ^ subkey(14);
      v = l ^ subkey(15);
      r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(r) ^ subkey(16);
      v = r ^ subkey(17);
      l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(l) ^ subkey(18);
      v = l ^ subkey(19);
      r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(r) ^ subkey(20);
      v = r ^ subkey(21);
      l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(l) ^ subkey(22);
      v = l ^ subkey(23);
      r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(r) ^ subkey(24);
      v = r ^ subkey(25);
      l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(l) ^ subkey(26);
      v = l ^ subkey(27);
      r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(r) ^ subkey(28);
      v = r ^ subkey(29);
      l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      u = turned(l) ^ subkey(30);
      v = l ^ subkey(31);
      r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
      t = l;
      l = r;
      r = t;
    } else {
      for (let stage = 0; stage < subkeyCount; stage += 32) {
        for (let k = stage; k < stage + 32; k += 4) {
          u = turned(r) ^ subkey(k);
          v = r ^ subkey(k + 1);
          l ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
          u = turned(l) ^ subkey(k + 2);
          v = l ^ subkey(k + 3);
          r ^= s8(v) ^ s6(v) ^ s4(v) ^ s2(v) ^ (s7(u) ^ s5(u) ^ (s3(u) ^ s1(u)));
        }
        // The preoutput of a stage is R16 L16.
        t = l;
        l = r;
        r = t;
      }
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

// Small enough for V8 to put each into its place however many there are.
const turned = (r: number): number => (r << 28) | (r >>> 4);
const subkey = (k: number): number => SUBKEYS[k]!;
const s1 = (u: number): number => S1[u >>> 24]!;
const s2 = (v: number): number => S2[v >>> 24]!;
const s3 = (u: number): number => S3[(u >>> 16) & 255]!;
const s4 = (v: number): number => S4[(v >>> 16) & 255]!;
const s5 = (u: number): number => S5[(u >>> 8) & 255]!;
const s6 = (v: number): number => S6[(v >>> 8) & 255]!;
const s7 = (u: number): number => S7[u & 255]!;
const s8 = (v: number): number => S8[v & 255]!;
