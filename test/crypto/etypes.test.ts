/** What every row of the table promises, whatever it is made of. */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { EncryptionType } from "../../src/crypto/encryption-type.js";
import { ENCRYPTION_TYPES, encryptionType } from "../../src/crypto/etypes.js";
import { hasOddParity } from "../../src/des/index.js";
import { isDecryptionError } from "./tampering.js";
import { bytes, hex, refusal, semiWeakKeys, thrownBy, weakKeys } from "./vectors.js";

const rows = [...ENCRYPTION_TYPES.values()];
const SALT = bytes("4558414d504c452e54455354616c696365");
/** One PBKDF2 iteration where there are iterations: the published vectors do the slow ones. */
const quick = ({ iterations }: EncryptionType) => iterations?.toParams(1);

test("the table holds six types, strongest first, and what each is", () => {
  const table = rows.map((row) =>
    [
      row.etype,
      row.name,
      row.alias ?? "-",
      row.keySize,
      row.messageBlockSize,
      row.checksumType,
      row.checksumSize,
      row.integrity,
      row.weak,
      row.profiles.textbook,
      row.profiles.standard,
      row.iterations?.default ?? "-",
    ].join(),
  );
  expect(table).toEqual([
    "20,aes256-cts-hmac-sha384-192,aes256,32,1,20,24,true,false,permitted,new-keys,32768",
    "19,aes128-cts-hmac-sha256-128,aes128,16,1,19,16,true,false,permitted,new-keys,32768",
    "16,des3-cbc-sha1-kd,des3,24,8,12,20,true,true,permitted,refused,-",
    "3,des-cbc-md5,des,8,8,8,24,true,true,new-keys,refused,-",
    "-2,des-ede-ecb,-,16,1,-2,16,false,true,permitted,refused,-",
    "-1,des-ecb,-,8,1,-1,16,false,true,permitted,refused,-",
  ]);
});

test("one password gives each type a key of its own, and another with another salt", async () => {
  const keys = await Promise.all(
    rows.flatMap((row) =>
      [SALT, bytes("4f544845522e54455354616c696365")].map((salt) =>
        row.stringToKey("password", salt, quick(row)),
      ),
    ),
  );
  // The first eight bytes: what a shorter key would share with a longer one.
  const beginnings = keys.map((key) => hex(key.subarray(0, 8)));
  expect(new Set(beginnings).size).toBe(12);
});

test("unknown numbers are undefined", () => {
  for (const etype of [0, 1, 2, 17, 18, 23, -3, 1.5, Number.NaN, 4294967295])
    expect(encryptionType(etype)).toBeUndefined();
});

describe.each(rows)("$name", (row) => {
  const isDes = row.etype < 17;

  test("opens what it sealed, up to the promised padding", () => {
    const key = row.useKey(row.generateKey());
    for (const size of [0, 1, 7, 8, 15, 16, 17, 200, 5000]) {
      const plaintext = new Uint8Array(randomBytes(size));
      const opened = key.decrypt(3, key.encrypt(3, plaintext));
      expect(hex(opened.slice(0, size))).toBe(hex(plaintext));
      expect(opened.length - size).toBeLessThan(row.messageBlockSize);
      expect(opened.slice(size).every((byte) => byte === 0)).toBe(true);
    }
  });

  test("deciphers the whole of it, laid out as the row says", () => {
    const key = row.useKey(row.generateKey());
    const confounder = new Uint8Array(randomBytes(16));
    const fixed = row.layout.reduce((sum, { size = 0 }) => sum + size, 0);
    const before = row.layout.slice(
      0,
      row.layout.findIndex(({ kind }) => kind === "message"),
    );
    const start = before.reduce((sum, { size = 0 }) => sum + size, 0);
    for (const size of [0, 1, 7, 8, 15, 16, 17, 31, 32, 200, 5000]) {
      const plaintext = new Uint8Array(randomBytes(size));
      const sealed = key.encrypt(3, plaintext, (length) => confounder.slice(0, length));
      const whole = key.decryptWhole(3, sealed);
      expect(whole.length).toBe(sealed.length);
      expect(hex(whole.slice(start, start + size))).toBe(hex(plaintext));
      if (row.layout[0]!.kind === "confounder")
        expect(hex(whole.slice(0, row.layout[0]!.size))).toBe(hex(confounder.slice(0, row.layout[0]!.size)));
      const padding = whole.length - fixed - size;
      if (row.layout.some(({ kind }) => kind === "padding")) expect(padding).toBeLessThanOrEqual(8);
      else expect(padding).toBe(0);
      // What is not enciphered stands in the ciphertext as it is.
      const last = row.layout.at(-1)!;
      if (!last.enciphered) expect(hex(whole.slice(-last.size!))).toBe(hex(sealed.slice(-last.size!)));
      const opened = key.decrypt(3, sealed);
      expect(hex(opened)).toBe(hex(whole.slice(start, start + opened.length)));
    }
    const spoiled = key.encrypt(3, bytes("616263")).slice(1);
    expect(isDecryptionError(thrownBy(() => key.decryptWhole(3, spoiled)))).toBe(true);
  });

  test("seals the same text differently each time, unless it is a lesson", () => {
    const key = row.useKey(row.generateKey());
    const first = hex(key.encrypt(3, bytes("616263")));
    const second = hex(key.encrypt(3, bytes("616263")));
    expect(first === second).toBe(!row.integrity);
  });

  test("gives away and keeps buffers of its own only", () => {
    const keyBytes = row.generateKey();
    const kept = hex(keyBytes);
    const key = row.useKey(keyBytes);
    const plaintext = new Uint8Array(randomBytes(40));
    const copy = hex(plaintext);
    const sealed = key.encrypt(3, plaintext);
    const sealedCopy = hex(sealed);
    const opened = key.decrypt(3, sealed);
    const checksum = key.checksum(3, plaintext);
    expect([hex(keyBytes), hex(plaintext), hex(sealed)]).toEqual([kept, copy, sealedCopy]);
    for (const buffer of [sealed, opened, checksum, row.generateKey()])
      expect(Object.getPrototypeOf(buffer)).toBe(Uint8Array.prototype);
    for (const secret of [checksum, row.generateKey()]) expect(secret.buffer.byteLength).toBe(secret.length);
    // Beside a plaintext lies at most what was deciphered with it.
    expect(opened.buffer.byteLength).toBeLessThanOrEqual(sealed.length);
    const another = key.decrypt(3, sealed);
    expect(another.buffer).not.toBe(opened.buffer);
    keyBytes.fill(0);
    opened.fill(0);
    expect(hex(key.decrypt(3, sealed)).slice(0, 80)).toBe(copy);
  });

  test("takes views into larger buffers", () => {
    const key = row.useKey(row.generateKey());
    const large = new Uint8Array(randomBytes(100));
    const sealed = key.encrypt(3, large.subarray(10, 50));
    const around = new Uint8Array(sealed.length + 20);
    around.set(sealed, 7);
    const opened = key.decrypt(3, around.subarray(7, 7 + sealed.length));
    expect(hex(opened.slice(0, 40))).toBe(hex(large.slice(10, 50)));
  });

  test("verifies its own checksum, and none that differs in a bit, a length or the data", () => {
    const key = row.useKey(row.generateKey());
    const data = new Uint8Array(randomBytes(60));
    const checksum = key.checksum(6, data);
    expect(checksum.length).toBe(row.checksumSize);
    expect(key.verifyChecksum(6, data, checksum)).toBe(true);
    for (let bit = 0; bit < checksum.length * 8; bit++) {
      const flipped = Uint8Array.from(checksum);
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      expect(key.verifyChecksum(6, data, flipped)).toBe(false);
    }
    for (let size = 0; size < checksum.length; size++)
      expect(key.verifyChecksum(6, data, checksum.slice(0, size))).toBe(false);
    expect(key.verifyChecksum(6, data, new Uint8Array([...checksum, 0]))).toBe(false);
    expect(key.verifyChecksum(6, data.subarray(1), checksum)).toBe(false);
    expect(row.useKey(row.generateKey()).verifyChecksum(6, data, checksum)).toBe(false);
  });

  if (row.integrity)
    test("refuses another key's ciphertext with the one DecryptionError", () => {
      const sealed = row.useKey(row.generateKey()).encrypt(3, bytes("616263"));
      const other = row.useKey(row.generateKey());
      expect(isDecryptionError(thrownBy(() => other.decrypt(3, sealed)))).toBe(true);
    });

  if (row.etype >= 16)
    test("refuses every other key usage", () => {
      const key = row.useKey(row.generateKey());
      const usages = [0, 1, 2, 3, 7, 11, 12, 1024, 2 ** 32 - 1];
      for (const sealedFor of usages) {
        const sealed = key.encrypt(sealedFor, bytes("616263"));
        const checksum = key.checksum(sealedFor, bytes("616263"));
        for (const openedFor of usages) {
          expect(key.verifyChecksum(openedFor, bytes("616263"), checksum)).toBe(sealedFor === openedFor);
          if (openedFor === sealedFor) continue;
          expect(isDecryptionError(thrownBy(() => key.decrypt(openedFor, sealed)))).toBe(true);
        }
      }
    });

  test("refuses what is no key usage", () => {
    const key = row.useKey(row.generateKey());
    for (const usage of [-1, 0.5, 2 ** 32])
      for (const act of [
        () => key.encrypt(usage, bytes("61")),
        () => key.decrypt(usage, new Uint8Array(64)),
        () => key.decryptWhole(usage, new Uint8Array(64)),
        () => key.checksum(usage, bytes("61")),
        () => key.verifyChecksum(usage, bytes("61"), new Uint8Array(row.checksumSize)),
      ])
        expect(refusal(act)).toBe(
          `RangeError: usage: expected an integer from 0 to 4294967295, got ${usage}`,
        );
  });

  test("refuses keys of a wrong length or type", () => {
    for (const size of [0, 1, row.keySize - 1, row.keySize + 1, row.keySize * 2])
      expect(refusal(() => row.useKey(new Uint8Array(size)))).toBe(
        `RangeError: key: expected ${row.keySize} bytes, got ${size}`,
      );
    for (const wrong of ["x".repeat(row.keySize), undefined, null])
      expect(refusal(() => row.useKey(wrong as unknown as Uint8Array))).toBe(
        `RangeError: key: expected a Uint8Array of ${row.keySize} bytes, got ${typeof wrong}`,
      );
  });

  if (isDes)
    test("refuses weak and semi-weak keys and even parity, in every part", () => {
      for (let part = 0; part < row.keySize; part += 8) {
        const withPart = (hexadecimal: string) => {
          const key = row.generateKey();
          key.set(bytes(hexadecimal), part);
          return key;
        };
        expect([weakKeys.length, semiWeakKeys.length]).toEqual([4, 12]);
        for (const weak of weakKeys)
          expect(refusal(() => row.useKey(withPart(weak)))).toBe(
            "RangeError: key: expected a strong DES key, got a weak one",
          );
        for (const semiWeak of semiWeakKeys)
          expect(refusal(() => row.useKey(withPart(semiWeak)))).toBe(
            "RangeError: key: expected a strong DES key, got a semi-weak one",
          );
      }
      for (let at = 0; at < row.keySize; at++) {
        const key = row.generateKey();
        key[at]! ^= 1;
        expect(refusal(() => row.useKey(key))).toBe(
          "RangeError: key: expected odd parity in every byte, got an even one",
        );
      }
    });

  if (row.keySize === 24)
    test("refuses triple-DES keys that are single DES", () => {
      const a = "0123456789abcdef";
      const b = "fedcba9876543210";
      for (const key of [a + a + b, a + b + b, a + a + a])
        expect(refusal(() => row.useKey(bytes(key)))).toBe(
          "RangeError: key: expected neighbouring DES keys to differ, got equal ones",
        );
    });

  test("makes fresh keys that it takes itself, from the source it is given", () => {
    const keys = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const key = row.generateKey();
      expect(key.length).toBe(row.keySize);
      if (isDes) expect(hasOddParity(key)).toBe(true);
      row.useKey(key).wipe();
      keys.add(hex(key));
    }
    expect(keys.size).toBe(50);
    const counter = (size: number) => Uint8Array.from({ length: size }, (_, i) => 3 * i + 1);
    expect(hex(row.generateKey(counter))).toBe(hex(row.generateKey(counter)));
  });

  if (isDes)
    test("passes over a weak key that the source gives", () => {
      let calls = 0;
      const source = (size: number) => {
        calls++;
        return calls === 1 ? new Uint8Array(size) : Uint8Array.from({ length: size }, (_, i) => 5 * i + 2);
      };
      row.useKey(row.generateKey(source));
      expect(calls).toBe(2);
    });

  test("string-to-key: the same again for the same, another key for another salt or password", async () => {
    const derive = async (password: string, salt: Uint8Array) =>
      hex(await row.stringToKey(password, salt, quick(row)));
    const key = await derive("correct horse", SALT);
    expect(key).toHaveLength(row.keySize * 2);
    expect(await derive("correct horse", Uint8Array.from(SALT))).toBe(key);
    expect(await derive("correct horse", SALT.slice(1))).not.toBe(key);
    expect(await derive("correct Horse", SALT)).not.toBe(key);
    row.useKey(bytes(key));
  });

  test("string-to-key takes an empty password and one of 1 MiB", async () => {
    for (const password of ["", "π".repeat(1 << 19)]) {
      const key = await row.stringToKey(password, SALT, quick(row));
      row.useKey(key);
    }
  });

  test("string-to-key refuses parameters it does not have and unpaired surrogates", async () => {
    await expect(row.stringToKey("a", SALT, new Uint8Array(9))).rejects.toThrow(RangeError);
    await expect(row.stringToKey("a\udc00", SALT, quick(row))).rejects.toThrow(
      new RangeError("password: expected well-formed text, got an unpaired surrogate"),
    );
  });

  test("is of no use once wiped, and wiping twice is no fault", () => {
    const key = row.useKey(row.generateKey());
    const sealed = key.encrypt(3, bytes("616263"));
    key.decrypt(3, sealed);
    const checksum = key.checksum(3, bytes("616263"));
    key.wipe();
    key.wipe();
    for (const usage of [3, 4])
      for (const act of [
        () => key.encrypt(usage, bytes("61")),
        () => key.decrypt(usage, sealed),
        () => key.decryptWhole(usage, sealed),
        () => key.checksum(usage, bytes("61")),
        () => key.verifyChecksum(usage, bytes("616263"), checksum),
      ])
        expect(refusal(act)).toBe("Error: key: already wiped");
  });

  test("the row cannot be changed", () => {
    expect(Object.isFrozen(row)).toBe(true);
  });
});
