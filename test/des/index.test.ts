import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as des from "../../src/des/index.js";

describe("the des folder", () => {
  test("exports these names and no others", () => {
    expect(Object.keys(des).sort()).toEqual([
      "BLOCK_SIZE",
      "createKeySchedule",
      "decryptCbc",
      "decryptEcb",
      "encryptCbc",
      "encryptEcb",
      "generateKey",
      "hasOddParity",
      "isSemiWeakKey",
      "isWeakKey",
      "pad",
      "setOddParity",
      "unpad",
      "wipeKeySchedule",
    ]);
    expect(des.BLOCK_SIZE).toBe(8);
  });

  test("imports nothing from outside itself", () => {
    const folder = new URL("../../src/des/", import.meta.url);
    for (const file of readdirSync(folder)) {
      const source = readFileSync(new URL(file, folder), "utf8");
      for (const [, target] of source.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
        expect(target).toMatch(/^\.\/[a-z0-9-]+\.js$/);
      }
      expect(source).not.toMatch(/\brequire\(|\bprocess\.|\bBuffer[.(]/);
    }
  });
});
