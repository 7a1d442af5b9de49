import { describe, expect, test } from "vitest";
import { createKeySchedule, decryptCbc, decryptEcb, encryptCbc, encryptEcb } from "../../src/des/index.js";
import { BYTES, SUBKEYS } from "../../src/des/workspace.js";

describe("the workspace", () => {
  test("is all zeros again after every call: no key, plaintext or ciphertext remains", () => {
    const iv = new Uint8Array(8).fill(3);
    for (const keySize of [8, 24]) {
      const schedule = createKeySchedule(Uint8Array.from({ length: keySize }, (_, i) => 17 * i + 1));
      for (const size of [8, 200, 2048, 2056, 5000]) {
        const input = new Uint8Array(size).fill(7);
        for (const crypt of [
          () => encryptEcb(schedule, input),
          () => decryptEcb(schedule, input),
          () => encryptCbc(schedule, iv, input),
          () => decryptCbc(schedule, iv, input),
        ]) {
          crypt();
          for (const memory of [BYTES, SUBKEYS]) {
            expect(memory.every((value) => value === 0)).toBe(true);
          }
        }
      }
    }
  });
});
