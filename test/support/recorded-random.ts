/** Randomness for golden vectors: bytes that depend only on a label, and a record of what was drawn. */
import { createHash } from "node:crypto";
import type { RandomSource } from "../../src/crypto/encryption-type.js";

/** Bytes that depend only on a label. */
export function bytesOf(label: string, size: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
    createHash("sha256").update(`${label} ${i}`).digest(),
  );
  return Uint8Array.from(Buffer.concat(blocks).subarray(0, size));
}

/** A source that depends only on a label, and what was drawn from it, in hexadecimal. */
export function recordedRandom(label: string): { random: RandomSource; draws: string[] } {
  const draws: string[] = [];
  const random = (size: number) => {
    const bytes = bytesOf(`${label} draw ${draws.length}`, size);
    draws.push(hex(bytes));
    return bytes;
  };
  return { random, draws };
}

/** Bytes in hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
