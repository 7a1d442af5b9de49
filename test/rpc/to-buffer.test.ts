import { expect, test } from "vitest";
import { toBuffer } from "../../src/rpc/to-buffer.js";

test("a Buffer stays itself", () => {
  const bytes = Buffer.from("abc");
  expect(toBuffer(bytes)).toBe(bytes);
});

test("other bytes become a Buffer over the same memory, no further than they reach", () => {
  const memory = Uint8Array.of(0, 1, 2, 3, 4);
  const buffer = toBuffer(memory.subarray(1, 4));
  expect(Buffer.isBuffer(buffer)).toBe(true);
  expect([...buffer]).toEqual([1, 2, 3]);
  memory[2] = 9;
  expect(buffer[1]).toBe(9);
});
