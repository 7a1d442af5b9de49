/**
 * Enciphering blocks that do not depend on each other (FIPS 46-3, "Enciphering"), in the pair layout: IP for
 * the whole chunk, the rounds for three blocks at a time, the inverse of IP for the whole chunk.
 *
 * Deciphering is the same with the subkeys backwards. In triple DES the inverse IP of one stage and the IP of
 * the next cancel, so three stages are 48 rounds between one IP and one inverse.
 */
import { PAIRS } from "./fast-tables.js";
import * as workspace from "./workspace.js";

const [S1_S5, S3_S7, S2_S6, S4_S8] = PAIRS as [Int32Array, Int32Array, Int32Array, Int32Array];
const { CHAIN, SUBKEYS, VIEW, WORDS } = workspace;

/**
 * IP, from bytes to L and R in the pair layout, for the first `size` bytes of the workspace. IP transposes a
 * square of bits, and so does dealing the halves of a word: five exchanges between two words do both, then
 * the rotation.
 */
export function permuteIn(size: number): void {
  for (let i = 0; i < size; i += 8) {
    let l = VIEW.getInt32(i);
    let r = VIEW.getInt32(i + 4);
    let t = ((l >>> 8) ^ r) & 0x00ff00ff;
    r ^= t;
    l ^= t << 8;
    t = ((r >>> 2) ^ l) & 0x33333333;
    l ^= t;
    r ^= t << 2;
    t = ((r >>> 16) ^ l) & 0x0000ffff;
    l ^= t;
    r ^= t << 16;
    t = ((l >>> 4) ^ r) & 0x0f0f0f0f;
    r ^= t;
    l ^= t << 4;
    t = ((l >>> 1) ^ r) & 0x55555555;
    r ^= t;
    l ^= t << 1;
    WORDS[i >>> 2] = (l >>> 6) | (l << 26);
    WORDS[(i >>> 2) + 1] = (r >>> 6) | (r << 26);
  }
}

/** The inverse of `permuteIn`: the same exchanges backwards. */
export function permuteOut(size: number): void {
  for (let i = 0; i < size; i += 8) {
    let l = WORDS[i >>> 2]!;
    let r = WORDS[(i >>> 2) + 1]!;
    l = (l << 6) | (l >>> 26);
    r = (r << 6) | (r >>> 26);
    let t = ((l >>> 1) ^ r) & 0x55555555;
    r ^= t;
    l ^= t << 1;
    t = ((l >>> 4) ^ r) & 0x0f0f0f0f;
    r ^= t;
    l ^= t << 4;
    t = ((r >>> 16) ^ l) & 0x0000ffff;
    l ^= t;
    r ^= t << 16;
    t = ((r >>> 2) ^ l) & 0x33333333;
    l ^= t;
    r ^= t << 2;
    t = ((l >>> 8) ^ r) & 0x00ff00ff;
    r ^= t;
    l ^= t << 8;
    VIEW.setInt32(i, l);
    VIEW.setInt32(i + 4, r);
  }
}

/**
 * The rounds, for the first `size` bytes of the workspace and the first `subkeyCount` words of subkeys. Three
 * blocks go through a round together: while one waits for a table, the others go on. Where fewer than three
 * are left the last one is done again, with the same result.
 */
export function runRounds(size: number, subkeyCount: number): void {
  const last = (size >>> 2) - 2;
  for (let a = 0; a <= last; a += 6) {
    const b = Math.min(a + 2, last);
    const c = Math.min(a + 4, last);
    let la = word(a);
    let ra = word(a + 1);
    let lb = word(b);
    let rb = word(b + 1);
    let lc = word(c);
    let rc = word(c + 1);
    for (let stage = 0; stage < subkeyCount; stage += 32) {
      for (let k = 0; k < 32; k += 4) {
        let k1 = subkey(stage + k);
        let k2 = subkey(stage + k + 1);
        la ^= f(ra, k1, k2);
        lb ^= f(rb, k1, k2);
        lc ^= f(rc, k1, k2);
        k1 = subkey(stage + k + 2);
        k2 = subkey(stage + k + 3);
        ra ^= f(la, k1, k2);
        rb ^= f(lb, k1, k2);
        rc ^= f(lc, k1, k2);
      }
      // The preoutput of a stage is R16 L16.
      let t = la;
      la = ra;
      ra = t;
      t = lb;
      lb = rb;
      rb = t;
      t = lc;
      lc = rc;
      rc = t;
    }
    setWord(a, la);
    setWord(a + 1, ra);
    setWord(b, lb);
    setWord(b + 1, rb);
    setWord(c, lc);
    setWord(c + 1, rc);
  }
}

/**
 * Deciphers the workspace in place, each block after the first XORed with the ciphertext before it. IP only
 * moves bits, so the XOR may as well be made before the inverse of IP, a word at a time.
 */
export function decipherChained(size: number, subkeyCount: number): void {
  permuteIn(size);
  const words = size >>> 2;
  for (let i = 0; i < words; i++) {
    setChainWord(i, word(i));
  }
  runRounds(size, subkeyCount);
  for (let i = 2; i < words; i++) {
    setWord(i, word(i) ^ chainWord(i - 2));
  }
  permuteOut(size);
}

/** The cipher function f(R, K). */
function f(r: number, k1: number, k2: number): number {
  const u = r ^ k1;
  const v = ((r << 8) | (r >>> 24)) ^ k2;
  return S1_S5[(u >>> 16) & 4095]! ^ S3_S7[u & 4095]! ^ S2_S6[(v >>> 16) & 4095]! ^ S4_S8[v & 4095]!;
}

function word(place: number): number {
  return WORDS[place]!;
}

function setWord(place: number, value: number): void {
  WORDS[place] = value;
}

function chainWord(place: number): number {
  return CHAIN[place]!;
}

function setChainWord(place: number, value: number): void {
  CHAIN[place] = value;
}

function subkey(place: number): number {
  return SUBKEYS[place]!;
}
