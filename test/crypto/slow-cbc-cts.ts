import { createCipheriv } from "node:crypto";

/**
 * CBC with stealing as textbooks draw it: a cipher for each block, then the last two change places and one is
 * cut.
 */
export function slowCbcCts(key: Uint8Array, message: Buffer): Buffer {
  const blocks: Buffer[] = [];
  let previous = Buffer.alloc(16);
  for (let at = 0; at < message.length; at += 16) {
    const block = Buffer.alloc(16);
    message.copy(block, 0, at, at + 16);
    const one = createCipheriv(`aes-${key.length * 8}-cbc`, key, previous).setAutoPadding(false);
    previous = one.update(block);
    blocks.push(previous);
  }
  if (blocks.length === 1) return blocks[0]!;
  const last = blocks.pop()!;
  const stolen = blocks.pop()!;
  return Buffer.concat([...blocks, last, stolen]).subarray(0, message.length);
}
