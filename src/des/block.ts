/** The enciphering computation (FIPS 46-3, "Enciphering"): IP, sixteen rounds a stage, the inverse of IP. */
import { SP } from "./fast-tables.js";

/** Where a block's two halves stand between the byte buffer and the rounds: left at 0, right at 1. */
export function cryptBlock(words: Int32Array, halves: Int32Array): void {
  let l = halves[0]!;
  let r = halves[1]!;
  let t = ((l >>> 4) ^ r) & 0x0f0f0f0f;
  r ^= t;
  l ^= t << 4;
  t = ((l >>> 16) ^ r) & 0x0000ffff;
  r ^= t;
  l ^= t << 16;
  t = ((r >>> 2) ^ l) & 0x33333333;
  l ^= t;
  r ^= t << 2;
  t = ((r >>> 8) ^ l) & 0x00ff00ff;
  l ^= t;
  r ^= t << 8;
  r = (r << 1) | (r >>> 31);
  t = (l ^ r) & 0xaaaaaaaa;
  l ^= t;
  r ^= t;
  l = (l << 1) | (l >>> 31);
  for (let i = 0; i < words.length; i += 2) {
    const u = ((r << 28) | (r >>> 4)) ^ words[i]!;
    const v = r ^ words[i + 1]!;
    const next =
      l ^
      SP[(u >>> 24) & 63]! ^
      SP[64 + ((v >>> 24) & 63)]! ^
      SP[128 + ((u >>> 16) & 63)]! ^
      SP[192 + ((v >>> 16) & 63)]! ^
      SP[256 + ((u >>> 8) & 63)]! ^
      SP[320 + ((v >>> 8) & 63)]! ^
      SP[384 + (u & 63)]! ^
      SP[448 + (v & 63)]!;
    // The halves change places after every round but the last of a stage.
    if ((i & 31) === 30) {
      l = next;
    } else {
      l = r;
      r = next;
    }
  }
  l = (l << 31) | (l >>> 1);
  t = (r ^ l) & 0xaaaaaaaa;
  r ^= t;
  l ^= t;
  r = (r << 31) | (r >>> 1);
  t = ((r >>> 8) ^ l) & 0x00ff00ff;
  l ^= t;
  r ^= t << 8;
  t = ((r >>> 2) ^ l) & 0x33333333;
  l ^= t;
  r ^= t << 2;
  t = ((l >>> 16) ^ r) & 0x0000ffff;
  r ^= t;
  l ^= t << 16;
  t = ((l >>> 4) ^ r) & 0x0f0f0f0f;
  r ^= t;
  l ^= t << 4;
  halves[0] = l;
  halves[1] = r;
}
