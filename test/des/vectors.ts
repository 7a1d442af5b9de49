/** Shared by the DES tests: hexadecimal both ways, and the vector files of test/vectors/des. */
import { readFileSync } from "node:fs";

/** Bytes written in hexadecimal, as a plain Uint8Array. */
export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** Hexadecimal of bytes. */
export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString("hex");
}

/** A file of test/vectors/des; each names its source. */
export function load<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/des/${name}`, import.meta.url), "utf8")) as T;
}

/** misc-kat.json. */
export interface MiscVectors {
  ecb: { key: string; plaintext: string; ciphertext: string }[];
  cbc: { key: string; iv: string; plaintext: string; ciphertext: string }[];
  cbc_mac: { key: string; iv: string; plaintext: string; mac: string }[];
  weak_keys: { key: string }[];
  semi_weak_pairs: { key1: string; key2: string }[];
}

/** nist-ecb.json and nist-cbc.json; the rows of CBC have the IV after the key. */
export interface NistVectors {
  tables: Record<
    "vartext" | "varkey" | "invperm" | "permop" | "subtab" | "mmt1" | "mmt2" | "mmt3",
    string[][]
  >;
}

/** pydes.json: key, iv, message, ECB and CBC ciphertext with PKCS#5 padding. */
export interface PyDesVectors {
  rows: [string, string, string, string, string][];
}
