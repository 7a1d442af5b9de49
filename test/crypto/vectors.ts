/** The published vectors of test/vectors/crypto, typed; each file names its sources. */
import { readFileSync } from "node:fs";

export interface StringToKeyVector {
  readonly etype?: string;
  readonly password: string;
  readonly salt: string;
  readonly params?: string;
  readonly key: string;
}

export interface EncryptVector {
  readonly etype: string;
  readonly etype_number: number;
  readonly usage: number;
  readonly key: string;
  readonly confounder: string;
  readonly plaintext: string;
  readonly ciphertext: string;
}

export interface ChecksumVector {
  readonly checksum: string;
  readonly etype: string;
  readonly usage: number;
  readonly key: string;
  readonly data: string;
  readonly result: string;
}

export interface DeriveVector {
  readonly etype: string;
  readonly key: string;
  readonly constant: string;
  readonly derived: string;
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/crypto/${name}.json`, import.meta.url), "utf8")) as T;
}

export const nFoldVectors = read<{ vectors: { input: string; bits: number; output: string }[] }>(
  "rfc3961_nfold",
).vectors;

export const desStringToKey = read<{
  vectors: StringToKeyVector[];
  weak_key_fixup: { key: string; last_byte_after: string }[];
}>("rfc3961_des_string_to_key");

export const desCbcEncrypt = read<{ vectors: EncryptVector[] }>("rfc3961_des_cbc_encrypt").vectors;

export const des3 = read<{
  dr_dk: { key: string; constant: string; dr: string | null; dk: string }[];
  string_to_key: StringToKeyVector[];
  derive: DeriveVector[];
  encrypt: EncryptVector[];
  checksum: ChecksumVector[];
}>("rfc3961_des3");

export const aesSha2 = read<{
  string_to_key: StringToKeyVector[];
  derive: DeriveVector[];
  encrypt: EncryptVector[];
  checksum: ChecksumVector[];
  prf: { etype: string; key: string; input: string; output: string }[];
}>("rfc8009_aes_sha2");

const misc = read<{
  weak_keys: { key: string }[];
  semi_weak_pairs: { key1: string; key2: string }[];
}>("des_misc_kat");

/** The 4 weak DES keys, in hexadecimal. */
export const weakKeys = misc.weak_keys.map((row) => row.key);

/** The 12 semi-weak DES keys, in hexadecimal. */
export const semiWeakKeys = misc.semi_weak_pairs.flatMap((row) => [row.key1, row.key2]);

export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.length).toString("hex");
}

export function text(hexadecimal: string): string {
  return Buffer.from(hexadecimal, "hex").toString("utf8");
}

/** Always gives `confounder`, in a new buffer. */
export function fixed(confounder: Uint8Array): (size: number) => Uint8Array {
  return () => Uint8Array.from(confounder);
}

/** The error that `act` throws. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** The class and the message of what `act` throws, as one text. */
export function refusal(act: () => unknown): string {
  const error = thrownBy(act);
  if (!(error instanceof Error)) throw new Error("not an Error");
  return `${error.constructor.name}: ${error.message}`;
}
