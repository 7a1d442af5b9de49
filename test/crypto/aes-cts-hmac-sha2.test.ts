import { createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  AES128_CTS_HMAC_SHA256_128,
  AES128_PROFILE,
  AES256_CTS_HMAC_SHA384_192,
  AES256_PROFILE,
  kdfHmacSha2,
} from "../../src/crypto/aes-cts-hmac-sha2.js";
import { encryptionType } from "../../src/crypto/etypes.js";
import { slowCbcCts } from "./slow-cbc-cts.js";
import { isDecryptionError, mistakes } from "./tampering.js";
import { aesSha2, bytes, fixed, hex, text, thrownBy } from "./vectors.js";

const NO_CONTEXT = new Uint8Array();

function rowNamed(name: string) {
  return name === AES128_PROFILE.name ? AES128_CTS_HMAC_SHA256_128 : AES256_CTS_HMAC_SHA384_192;
}

function hashNamed(name: string) {
  return name === AES128_PROFILE.name ? AES128_PROFILE.hash : AES256_PROFILE.hash;
}

test(`string-to-key as RFC 8009 appendix A shows (${aesSha2.string_to_key.length} rows)`, async () => {
  expect(aesSha2.string_to_key).toHaveLength(2);
  for (const row of aesSha2.string_to_key) {
    const type = rowNamed(row.etype ?? "");
    expect(hex(await type.stringToKey(text(row.password), bytes(row.salt), bytes(row.params ?? "")))).toBe(
      row.key,
    );
    expect(hex(await type.stringToKey(text(row.password), bytes(row.salt)))).toBe(row.key);
  }
});

test(`derives Kc, Ki and Ke as RFC 8009 appendix A shows (${aesSha2.derive.length} rows)`, () => {
  expect(aesSha2.derive).toHaveLength(6);
  for (const row of aesSha2.derive) {
    const size = row.derived.length / 2;
    const derived = kdfHmacSha2(hashNamed(row.etype), bytes(row.key), bytes(row.constant), NO_CONTEXT, size);
    expect(hex(derived)).toBe(row.derived);
  }
});

test(`derivation with a context is appendix A's pseudo-random function (${aesSha2.prf.length} rows)`, () => {
  expect(aesSha2.prf).toHaveLength(2);
  for (const row of aesSha2.prf) {
    const size = row.output.length / 2;
    const output = kdfHmacSha2(
      hashNamed(row.etype),
      bytes(row.key),
      Buffer.from("prf"),
      bytes(row.input),
      size,
    );
    expect(hex(output)).toBe(row.output);
  }
});

test(`encrypts and decrypts as RFC 8009 appendix A shows (${aesSha2.encrypt.length} rows)`, () => {
  expect(aesSha2.encrypt).toHaveLength(8);
  for (const row of aesSha2.encrypt) {
    const key = encryptionType(row.etype_number)!.useKey(bytes(row.key));
    // Several times: the cipher behind goes on from the message before.
    for (let again = 0; again < 3; again++) {
      expect(hex(key.encrypt(row.usage, bytes(row.plaintext), fixed(bytes(row.confounder))))).toBe(
        row.ciphertext,
      );
      expect(hex(key.decrypt(row.usage, bytes(row.ciphertext)))).toBe(row.plaintext);
    }
  }
});

test(`checksum as RFC 8009 appendix A shows (${aesSha2.checksum.length} rows)`, () => {
  expect(aesSha2.checksum).toHaveLength(2);
  for (const row of aesSha2.checksum) {
    const key = rowNamed(row.etype).useKey(bytes(row.key));
    expect(hex(key.checksum(row.usage, bytes(row.data)))).toBe(row.result);
    expect(key.verifyChecksum(row.usage, bytes(row.data), bytes(row.result))).toBe(true);
  }
});

test("refuses every spoiled form of every vector's ciphertext", () => {
  for (const row of aesSha2.encrypt) {
    const key = encryptionType(row.etype_number)!.useKey(bytes(row.key));
    expect(mistakes(key, row.usage, bytes(row.ciphertext), 16)).toEqual([]);
  }
});

describe.each([AES128_PROFILE, AES256_PROFILE])("$name", (profile) => {
  const type = encryptionType(profile.etype)!;

  test("agrees with one OpenSSL cipher and Hmac for each message, for random keys and 0 to 4 KiB", () => {
    for (let round = 0; round < 3; round++) {
      const keyBytes = type.generateKey();
      const key = type.useKey(keyBytes);
      const usage = randomBytes(4).readUInt32BE();
      for (const size of [...Array(66).keys(), 199, 200, 201, 1000, 4064, 4079, 4080, 4081, 4096, 10_000]) {
        const plaintext = new Uint8Array(randomBytes(size));
        const confounder = new Uint8Array(randomBytes(16));
        const sealed = key.encrypt(usage, plaintext, fixed(confounder));
        expect(hex(sealed)).toBe(slowSeal(keyBytes, usage, confounder, plaintext));
        expect(hex(key.decrypt(usage, sealed))).toBe(hex(plaintext));
      }
    }
  });

  test("refuses a text shorter than a confounder though its MAC is right", () => {
    const keyBytes = type.generateKey();
    const key = type.useKey(keyBytes);
    const ki = Buffer.from(slowKdf(keyBytes, constant(2, 0x55), profile.macSize), "hex");
    for (let size = 0; size < 16; size++) {
      const short = Buffer.alloc(size, 1);
      const mac = createHmac(profile.hash.name, ki).update(Buffer.alloc(16)).update(short).digest();
      const sealed = new Uint8Array([...short, ...mac.subarray(0, profile.macSize)]);
      expect(isDecryptionError(thrownBy(() => key.decrypt(2, sealed)))).toBe(true);
    }
  });

  test("string-to-key agrees with OpenSSL's PBKDF2 for other counts, passwords and salts", async () => {
    for (const [password, count] of [
      ["", 1],
      ["pässwörd ☃", 2],
      ["x".repeat(1 << 20), 3],
    ] as const) {
      const salt = new Uint8Array(randomBytes(20));
      const named = Buffer.concat([Buffer.from(`${profile.name}\0`), salt]);
      const temporary = pbkdf2Sync(password, named, count, profile.keySize, profile.hash.name);
      const key = await type.stringToKey(password, salt, Uint8Array.of(0, 0, 0, count));
      expect(hex(key)).toBe(slowKdf(temporary, Buffer.from("kerberos"), profile.keySize));
    }
  });

  test("refuses absurd iteration counts and parameters of another length", async () => {
    const salt = bytes("61");
    for (const [params, got] of [
      ["00000000", "1 to 10000000 iterations, got 0"],
      ["00989681", "1 to 10000000 iterations, got 10000001"],
      ["7fffffff", "1 to 10000000 iterations, got 2147483647"],
      ["80000000", "1 to 10000000 iterations, got 2147483648"],
      ["ffffffff", "1 to 10000000 iterations, got 4294967295"],
      ["", "4 bytes, got 0"],
      ["000001", "4 bytes, got 3"],
      ["0000000001", "4 bytes, got 5"],
    ])
      await expect(type.stringToKey("password", salt, bytes(params!))).rejects.toThrow(
        new RangeError(`params: expected ${got}`),
      );
  });

  function slowSeal(key: Uint8Array, usage: number, confounder: Uint8Array, plaintext: Uint8Array): string {
    const ke = Buffer.from(slowKdf(key, constant(usage, 0xaa), profile.keySize), "hex");
    const ki = Buffer.from(slowKdf(key, constant(usage, 0x55), profile.macSize), "hex");
    const message = Buffer.concat([confounder, plaintext]);
    const sealed = slowCbcCts(ke, message);
    const mac = createHmac(profile.hash.name, ki).update(Buffer.alloc(16)).update(sealed).digest();
    return sealed.toString("hex") + mac.toString("hex", 0, profile.macSize);
  }

  /** RFC 8009 §3 in words. */
  function slowKdf(key: Uint8Array, label: Uint8Array, size: number): string {
    const bits = Buffer.alloc(4);
    bits.writeUInt32BE(size * 8);
    const input = Buffer.concat([Buffer.from([0, 0, 0, 1]), label, Buffer.from([0]), bits]);
    return createHmac(profile.hash.name, key)
      .update(input)
      .digest("hex")
      .slice(0, size * 2);
  }
});

describe("the iteration count among the parameters", () => {
  const iterations = AES256_CTS_HMAC_SHA384_192.iterations!;

  test("is a big-endian number of four bytes", () => {
    expect(iterations.inParams(bytes("00000001"))).toBe(1);
    expect(iterations.inParams(bytes("00008000"))).toBe(32768);
    expect(iterations.inParams(bytes("00989680"))).toBe(iterations.most);
    expect(iterations.inParams(bytes("ffffffff"))).toBe(4294967295);
    expect(iterations.inParams(bytes("ff00008000").subarray(1))).toBe(32768);
    for (const other of ["", "008000", "0000008000"])
      expect(iterations.inParams(bytes(other))).toBeUndefined();
    expect(hex(iterations.toParams(0x01020304))).toBe("01020304");
    expect(hex(iterations.toParams(4294967295))).toBe("ffffffff");
  });

  test("is 32768 where none is given, and at most ten million", async () => {
    expect(iterations).toMatchObject({ default: 32768, most: 10_000_000 });
    const [salt, params] = [bytes("00"), bytes("00008000")];
    for (const row of [AES128_CTS_HMAC_SHA256_128, AES256_CTS_HMAC_SHA384_192])
      expect(await row.stringToKey("x", salt)).toEqual(await row.stringToKey("x", salt, params));
  });
});

function constant(usage: number, purpose: number): Buffer {
  const bytesOfUsage = Buffer.alloc(5, purpose);
  bytesOfUsage.writeUInt32BE(usage);
  return bytesOfUsage;
}
