/**
 * mit_des_string_to_key (RFC 3961 §6.2): password and salt are fan-folded to a key, under which a DES-CBC
 * checksum of them is made.
 */
import { createKeySchedule, encryptCbc, wipeKeySchedule } from "../des/index.js";
import { encodePassword } from "./argument-checks.js";
import { correctDesKey } from "./des-key-parts.js";

/** Derives an 8-byte DES key, never weak or semi-weak; the key is the caller's. */
export function mitDesStringToKey(password: string, salt: Uint8Array): Uint8Array {
  const secret = encodePassword(password);
  // pad(s): nulls up to a multiple of 8 bytes, none where it is one already.
  const text = new Uint8Array(Math.ceil((secret.length + salt.length) / 8) * 8);
  text.set(secret);
  text.set(salt, secret.length);
  secret.fill(0);

  const folded = fanFold(text);
  const temporary = correctDesKey(folded);
  const schedule = createKeySchedule(temporary);
  // DES-CBC-check: the last block of CBC, with the key as initial vector too.
  const sealed = encryptCbc(schedule, temporary, text);
  const key = correctDesKey(text.length > 0 ? sealed.subarray(-8) : temporary);

  for (const bytes of [text, folded, temporary, sealed]) bytes.fill(0);
  wipeKeySchedule(schedule);
  return key;
}

/** XORs the 56-bit strings of all blocks, every second one in reverse; the parity bits are left zero. */
function fanFold(text: Uint8Array): Uint8Array {
  const folded = new Uint8Array(8);
  for (let block = 0; block < text.length; block += 16)
    for (let i = 0; i < 8; i++) folded[i]! ^= text[block + i]! << 1;
  for (let block = 8; block < text.length; block += 16)
    for (let i = 0; i < 8; i++) folded[i]! ^= REVERSED[text[block + 7 - i]! & 0x7f]!;
  return folded;
}

/** The low seven bits of each number in reverse order, shifted up past the parity bit. */
const REVERSED = Uint8Array.from({ length: 128 }, (_, value) => {
  let reversed = 0;
  for (let bit = 0; bit < 7; bit++) if ((value >>> bit) & 1) reversed |= 1 << (7 - bit);
  return reversed;
});
