/** Key derivation with triple DES: DR, random-to-key and DK (RFC 3961 §5.1, §6.3.1). */
import { BLOCK_SIZE, encryptEcb, type KeySchedule } from "../des/index.js";
import { correctDesKey } from "./des-key-parts.js";
import { nFold } from "./n-fold.js";

/** Bytes of random data in a triple-DES key (§6.3.1, "key-generation seed length"). */
export const DES3_SEED_SIZE = 21;

/** DR(Key, Constant): 21 bytes, the caller's. */
export function deriveRandom(schedule: KeySchedule, constant: Uint8Array): Uint8Array {
  // K1 = E(Key, n-fold(Constant)), K2 = E(Key, K1), …: each encrypts one block from the zero initial vector.
  const blocks = new Uint8Array(3 * BLOCK_SIZE);
  const block = nFold(constant, BLOCK_SIZE);
  for (let offset = 0; offset < blocks.length; offset += BLOCK_SIZE) {
    encryptEcb(schedule, block, block);
    blocks.set(block, offset);
  }
  const random = blocks.slice(0, DES3_SEED_SIZE);
  blocks.fill(0);
  block.fill(0);
  return random;
}

/** DES3random-to-key (§6.3.1): 24 bytes from 21, no part weak or semi-weak; the key is the caller's. */
export function des3RandomToKey(random: Uint8Array): Uint8Array {
  if (random.length !== DES3_SEED_SIZE)
    throw new RangeError(`random: expected ${DES3_SEED_SIZE} bytes, got ${random.length}`);
  const key = new Uint8Array(24);
  const part = new Uint8Array(8);
  for (let group = 0; group < 3; group++) {
    // Seven bytes keep their upper seven bits. Their lowest bits, the last byte's first, make the eighth
    // byte.
    let lowest = 0;
    for (let i = 0; i < 7; i++) {
      const byte = random[group * 7 + i]!;
      part[i] = byte;
      lowest |= (byte & 1) << (i + 1);
    }
    part[7] = lowest;
    key.set(correctDesKey(part), group * 8);
  }
  part.fill(0);
  return key;
}

/** DK(Key, Constant) = random-to-key(DR(Key, Constant)): 24 bytes, the caller's. */
export function deriveKey(schedule: KeySchedule, constant: Uint8Array): Uint8Array {
  const random = deriveRandom(schedule, constant);
  const key = des3RandomToKey(random);
  random.fill(0);
  return key;
}
