import { expect, it } from "vitest";
import { equalBlocks } from "../../../src/lab/bytes/equal-blocks.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { randomKey } from "../../../src/protocol/keys.js";

const TEXT = Buffer.from("the samethe sameanother the same");

it("finds equal blocks of ECB by their places, in the order of the first", () => {
  const cipher = randomKey(etypeOf(-1)).cipher.encrypt(2, TEXT);
  expect(equalBlocks(cipher)).toEqual([[0, 8, 24]]);
  expect(equalBlocks(Buffer.from("aaaaaaaabbbbbbbbbbbbbbbbaaaaaaaa"))).toEqual([
    [0, 24],
    [8, 16],
  ]);
});

it("finds none under a confounder, nor in half a block", () => {
  expect(equalBlocks(randomKey(etypeOf(3)).cipher.encrypt(2, TEXT))).toEqual([]);
  expect(equalBlocks(Buffer.from("aaaaaaaaaaaa"))).toEqual([]);
  expect(equalBlocks(new Uint8Array())).toEqual([]);
});
