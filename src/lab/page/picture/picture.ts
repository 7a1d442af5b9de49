/** A small picture of a key, and what DES makes of it in two modes. One byte a pixel, from black to white. */
import { createKeySchedule, encryptCbc, encryptEcb } from "../../../des/index.js";

/** In pixels; a row is a whole number of blocks. */
export const WIDTH = 160;
export const HEIGHT = 96;

const PAPER = 0xf4;
const METAL = 0x38;

/** The picture: a key lying on paper. */
export function drawKey(): Uint8Array {
  return Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
    isMetal(i % WIDTH, Math.floor(i / WIDTH)) ? METAL : PAPER,
  );
}

function isMetal(x: number, y: number): boolean {
  const fromBow = Math.hypot(x - 40, y - 48);
  const bow = fromBow < 30 && fromBow > 15;
  const shaft = x > 66 && x < 144 && Math.abs(y - 48) < 6;
  const bit = (x > 112 && x < 122 && y >= 48 && y < 72) || (x > 130 && x < 144 && y >= 48 && y < 78);
  return bow || shaft || bit;
}

/** The picture under a key of 8 bytes, each block by itself. */
export function inEcb(picture: Uint8Array, key: Uint8Array): Uint8Array {
  return encryptEcb(createKeySchedule(key), picture);
}

/** The picture under a key of 8 bytes, each block XORed with the one before. */
export function inCbc(picture: Uint8Array, key: Uint8Array, iv: Uint8Array): Uint8Array {
  return encryptCbc(createKeySchedule(key), iv, picture);
}

/** How many different blocks of 8 bytes there are. */
export function differentBlocks(bytes: Uint8Array): number {
  const blocks = new Set<string>();
  for (let at = 0; at < bytes.length; at += 8) blocks.add(bytes.subarray(at, at + 8).join());
  return blocks.size;
}
