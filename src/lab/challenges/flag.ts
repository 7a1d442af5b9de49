/**
 * Flags: `tessera-OOOO-XXXX-XXXX-XXXX`, in letters and digits that can't be taken for each other.
 *
 * OOOO says whose flag it is: a tag of class and student, which is no secret, so that a flag from elsewhere
 * is known without the seed. The other 60 bits come from an HMAC with the class's seed, or, for who learns
 * alone, at random. A learner's folder holds neither seed nor flag: only a slow salted hash to compare with.
 */
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** Whose flags: a student of a class. */
export interface Owner {
  readonly class: string;
  readonly student: string;
}

/** What a flag is compared with where the flag itself must not be. */
export interface Verifier {
  /** In hex. */
  readonly salt: string;
  /** scrypt of the flag, in hex. */
  readonly hash: string;
}

/** The alphabet: 32 signs, without i, l, o and u. */
const SIGNS = "0123456789abcdefghjkmnpqrstvwxyz";
const FLAG = /^tessera-([0-9a-hjkmnp-tv-z]{4})(?:-[0-9a-hjkmnp-tv-z]{4}){3}$/;
const TAG_SIGNS = 4;
const SECRET_SIGNS = 12;

/** The cost of a comparison: some 50 ms and 16 MiB. */
const SCRYPT = { N: 16384, r: 8, p: 1 } as const;
const HASH_SIZE = 32;
const scryptOf = promisify<string, Buffer, number, typeof SCRYPT, Buffer>(scrypt);

/** The tag of an owner's flags. It tells nothing of the seed. */
export function ownerTag(seed: Uint8Array, owner: Owner): string {
  return signs(macOf(seed, ["owner", owner.class, owner.student]), TAG_SIGNS);
}

/** The flag of a challenge for a student of a class. */
export function flagOf(seed: Uint8Array, owner: Owner, challenge: string): string {
  const secret = macOf(seed, ["flag", owner.class, owner.student, challenge]);
  return flagFrom(ownerTag(seed, owner), secret);
}

/** A tag for somebody who learns alone. */
export function randomTag(): string {
  return signs(randomBytes(TAG_SIGNS), TAG_SIGNS);
}

/** A flag that nobody can compute. */
export function randomFlag(tag: string): string {
  return flagFrom(tag, randomBytes(SECRET_SIGNS));
}

/** The flag in what somebody typed, in its one form; undefined: it has not the form of a flag. */
export function readFlag(typed: string): string | undefined {
  // Of the letters taken for others, "tessera" has none.
  const text = typed.trim().toLowerCase().replaceAll("o", "0").replaceAll(/[il]/g, "1");
  return FLAG.test(text) ? text : undefined;
}

/** The tag in a flag. */
export function tagOf(flag: string): string {
  return FLAG.exec(flag)![1]!;
}

/** Makes what a flag is compared with. */
export async function makeVerifier(flag: string): Promise<Verifier> {
  const salt = randomBytes(16);
  const hash = await scryptOf(flag, salt, HASH_SIZE, SCRYPT);
  return { salt: salt.toString("hex"), hash: hash.toString("hex") };
}

/** Whether a flag is the one that the verifier was made from. */
export async function fits(flag: string, { salt, hash }: Verifier): Promise<boolean> {
  const expected = Buffer.from(hash, "hex");
  const got = await scryptOf(flag, Buffer.from(salt, "hex"), HASH_SIZE, SCRYPT);
  return expected.length === got.length && timingSafeEqual(expected, got);
}

/**
 * What only somebody who knows the flag can write beside a solved challenge: a teacher with the seed checks
 * it (class-marks.ts), and the flag itself is not kept.
 */
export function receiptOf(flag: string, solvedAt: string, hints: number): string {
  return macOf(Buffer.from(flag), ["receipt", solvedAt, String(hints)]).toString("hex");
}

function macOf(key: Uint8Array, parts: readonly string[]): Buffer {
  // No part holds a line feed: names of classes, students and challenges have a grammar.
  return createHmac("sha256", key).update(parts.join("\n")).digest();
}

function flagFrom(tag: string, secret: Uint8Array): string {
  const text = signs(secret, SECRET_SIGNS);
  return `tessera-${tag}-${text.slice(0, 4)}-${text.slice(4, 8)}-${text.slice(8)}`;
}

/** The first bytes, as signs: five bits of each. */
function signs(bytes: Uint8Array, count: number): string {
  return Array.from(bytes.subarray(0, count), (byte) => SIGNS[byte & 31]).join("");
}
