import { expect, test } from "vitest";
import { GatheredMessage } from "../../src/rpc/gathered-message.js";

const message = new GatheredMessage([Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)]);

test("is as long as its parts together", () => {
  expect([message.length, message.byteLength]).toEqual([3, 3]);
});

test("writes its parts one after the other where it is told, and nothing else", () => {
  const target = Buffer.alloc(6, 0xee);
  expect(message.copy(target, 2)).toBe(3);
  expect(target.toString("hex")).toBe("eeee010203ee");
  expect(message.copy(target)).toBe(3);
  expect(target.toString("hex")).toBe("010203" + "0203ee");
});
