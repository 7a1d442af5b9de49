/** The picture in two modes: ECB keeps what is equal, CBC does not. */
import { expect, test } from "vitest";
import { createKeySchedule, decryptCbc, decryptEcb } from "../../../src/des/index.js";
import { PUBLISHED } from "../../../src/lab/page/des/examples.js";
import {
  differentBlocks,
  drawKey,
  HEIGHT,
  inCbc,
  inEcb,
  WIDTH,
} from "../../../src/lab/page/picture/picture.js";

const { key, block: iv } = PUBLISHED;
const picture = drawKey();

test("the picture has whole blocks in each row", () => {
  expect(WIDTH % 8).toBe(0);
  expect(picture).toHaveLength(WIDTH * HEIGHT);
});

test("in ECB there are as many different blocks as in the picture, in CBC as many as there are blocks", () => {
  expect(differentBlocks(inEcb(picture, key))).toBe(differentBlocks(picture));
  expect(differentBlocks(picture)).toBeLessThan(40);
  expect(differentBlocks(inCbc(picture, key, iv))).toBe(picture.length / 8);
});

test("both are deciphered to the picture", () => {
  expect(decryptEcb(createKeySchedule(key), inEcb(picture, key))).toEqual(picture);
  expect(decryptCbc(createKeySchedule(key), iv, inCbc(picture, key, iv))).toEqual(picture);
});
