/** Keys, passwords and what is deciphered are overwritten as soon as they are of no more use. */
import { pbkdf2Sync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  AES128_CTS_HMAC_SHA256_128,
  AES128_PROFILE,
  kdfHmacSha2,
} from "../../src/crypto/aes-cts-hmac-sha2.js";
import { deriveKey, deriveRandom, des3RandomToKey } from "../../src/crypto/derive-key.js";
import { DES_CBC_MD5 } from "../../src/crypto/des-cbc-md5.js";
import { DES_ECB } from "../../src/crypto/des-ecb.js";
import { DES_EDE_ECB } from "../../src/crypto/des-ede-ecb.js";
import { correctDesKey } from "../../src/crypto/des-key-parts.js";
import { DES3_CBC_SHA1 } from "../../src/crypto/des3-cbc-sha1.js";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import { md5 } from "../../src/crypto/hash.js";
import { hmac, SHA256 } from "../../src/crypto/hmac.js";
import { mitDesStringToKey } from "../../src/crypto/mit-des-string-to-key.js";
import { nFold } from "../../src/crypto/n-fold.js";
import { systemRandom } from "../../src/crypto/random.js";
import { createKeySchedule, pad } from "../../src/des/index.js";
import { type Contents, wipedBy } from "../support/wiped.js";
import { bytes, thrownBy } from "./vectors.js";

const PASSWORD = "correct horse";
const SECRET = new TextEncoder().encode(PASSWORD);
const SALT = bytes("4558414d504c452e54455354616c696365");
const KERBEROS = new TextEncoder().encode("kerberos");
const both = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** Expects each of these contents to have been overwritten once at least. */
function expectWiped(wiped: Contents[], secrets: Record<string, ArrayLike<number>>): void {
  const found = new Set(wiped.map((contents) => contents.join()));
  const left = Object.entries(secrets).filter(([, secret]) => !found.has(Array.from(secret).join()));
  expect(left.map(([name]) => name)).toEqual([]);
}

describe("making a key of a password overwrites the password and all that lies between, of", () => {
  test("des-cbc-md5", async () => {
    const text = new Uint8Array(32);
    text.set(both(SECRET, SALT));
    const wiped = await wipedBy(() => DES_CBC_MD5.stringToKey(PASSWORD, SALT));
    expectWiped(wiped, { password: SECRET, text });
    // The temporary key, by its schedule; the folded text that it was corrected from; and the sealed text,
    // whose last block is the key before its correction.
    const key = await DES_CBC_MD5.stringToKey(PASSWORD, SALT);
    const ofEight = wiped.filter(({ length }) => length === 8);
    const temporary = ofEight.find((one) => ofEight.some((other) => isCorrected(other, one)));
    expect(temporary).toBeDefined();
    expectWiped(wiped, { schedule: createKeySchedule(Uint8Array.from(temporary!)).halves });
    const sealed = wiped.find((one) => one.length === 32 && isKeyOf(one, key));
    expect(sealed).toBeDefined();
  });

  test("des-ede-ecb", async () => {
    const halves = [1, 2].map((suffix) => mitDesStringToKey(PASSWORD, both(SALT, Uint8Array.of(suffix))));
    const wiped = await wipedBy(() => DES_EDE_ECB.stringToKey(PASSWORD, SALT));
    expectWiped(wiped, { password: SECRET, first: halves[0]!, second: halves[1]! });
  });

  test("des3-cbc-sha1-kd", async () => {
    const text = both(SECRET, SALT);
    const random = nFold(text, 21);
    const temporary = des3RandomToKey(random);
    const schedule = createKeySchedule(temporary);
    const derived = deriveRandom(schedule, KERBEROS);
    const wiped = await wipedBy(() => DES3_CBC_SHA1.stringToKey(PASSWORD, SALT));
    expectWiped(wiped, { password: SECRET, text, random, temporary, schedule: schedule.halves, derived });
  });

  test("aes128-cts-hmac-sha256-128", async () => {
    const salt = both(new TextEncoder().encode("aes128-cts-hmac-sha256-128\0"), SALT);
    const temporary = pbkdf2Sync(PASSWORD, salt, 1, 16, "sha256");
    const once = bytes("00000001");
    const wiped = await wipedBy(() => AES128_CTS_HMAC_SHA256_128.stringToKey(PASSWORD, SALT, once));
    expectWiped(wiped, { password: SECRET, temporary });
  });
});

describe("wiping a key overwrites it and all that was derived from it, of", () => {
  /** What wiping overwrites once the key has been used in every way. */
  const wipedAfterUse = (type: typeof DES_CBC_MD5, bytes: Uint8Array) => {
    const key = type.useKey(bytes);
    key.decrypt(2, key.encrypt(2, SECRET));
    key.checksum(2, SECRET);
    return wipedBy(() => key.wipe());
  };

  test("des-cbc-md5", async () => {
    const key = DES_CBC_MD5.generateKey();
    const variant = key.map((byte) => byte ^ 0xf0);
    expectWiped(await wipedAfterUse(DES_CBC_MD5, key), {
      schedule: createKeySchedule(key).halves,
      variant,
      "schedule of the variant": createKeySchedule(variant).halves,
    });
  });

  test.each([DES_ECB, DES_EDE_ECB])("$name", async (type) => {
    const key = type.generateKey();
    expectWiped(await wipedAfterUse(type, key), { schedule: createKeySchedule(key).halves });
  });

  test("des3-cbc-sha1-kd", async () => {
    const key = DES3_CBC_SHA1.generateKey();
    const schedule = createKeySchedule(key);
    const derived = (purpose: string) => deriveKey(schedule, bytes(`00000002${purpose}`));
    expectWiped(await wipedAfterUse(DES3_CBC_SHA1, key), {
      schedule: schedule.halves,
      "schedule of Ke": createKeySchedule(derived("aa")).halves,
      Ki: derived("55"),
      Kc: derived("99"),
    });
    const used = DES3_CBC_SHA1.useKey(key);
    expectWiped(await wipedBy(() => used.encrypt(2, SECRET)), {
      Ke: derived("aa"),
      "random data of Ki": deriveRandom(schedule, bytes("0000000255")),
    });
  });

  test("aes128-cts-hmac-sha256-128", async () => {
    const key = AES128_CTS_HMAC_SHA256_128.generateKey();
    const derived = (purpose: string) =>
      kdfHmacSha2(AES128_PROFILE.hash, key, bytes(`00000002${purpose}`), new Uint8Array(), 16);
    expectWiped(await wipedAfterUse(AES128_CTS_HMAC_SHA256_128, key), {
      key,
      Ke: derived("aa"),
      Ki: derived("55"),
      Kc: derived("99"),
    });
  });
});

/** The last bytes of what was overwritten, as many as the plaintext has. */
const endsOf = (wiped: Contents[]) => wiped.map((contents) => contents.slice(-KERBEROS.length));

describe("a plaintext that is not handed out is overwritten, of", () => {
  test("des-cbc-md5, whether the seal was right or not", async () => {
    const key = DES_CBC_MD5.useKey(DES_CBC_MD5.generateKey());
    const confounder = new Uint8Array(randomBytes(8));
    const sealed = key.encrypt(2, KERBEROS, () => confounder);
    const checksum = md5(both(confounder, new Uint8Array(16), KERBEROS));
    expectWiped(await wipedBy(() => key.decrypt(2, sealed)), { text: both(confounder, checksum, KERBEROS) });
    const other = sealed.slice();
    other[0]! ^= 1;
    const wiped = await wipedBy(() => thrownBy(() => key.decrypt(2, other)));
    // Only the first two blocks of CBC have changed.
    expectWiped(endsOf(wiped), { plaintext: KERBEROS });
  });

  test("des3-cbc-sha1-kd, whether the seal was right or not", async () => {
    const key = DES3_CBC_SHA1.useKey(DES3_CBC_SHA1.generateKey());
    const confounder = new Uint8Array(randomBytes(8));
    const sealed = key.encrypt(2, KERBEROS, () => confounder);
    expectWiped(await wipedBy(() => key.decrypt(2, sealed)), { text: both(confounder, KERBEROS) });
    sealed[sealed.length - 1]! ^= 1;
    const wiped = await wipedBy(() => thrownBy(() => key.decrypt(2, sealed)));
    expectWiped(endsOf(wiped), { plaintext: KERBEROS });
  });

  test("des-ecb, with its padding", async () => {
    const key = DES_ECB.useKey(DES_ECB.generateKey());
    const sealed = key.encrypt(2, KERBEROS);
    expectWiped(await wipedBy(() => key.decrypt(2, sealed)), { padded: pad(KERBEROS) });
    const unpadded = key.encrypt(2, KERBEROS).slice(0, 8);
    const wiped = await wipedBy(() => thrownBy(() => key.decrypt(2, unpadded)));
    expectWiped(wiped, { padded: KERBEROS });
  });
});

test("what passes through HMAC's buffers is overwritten: padded key, text, key again", async () => {
  const key = new Uint8Array(randomBytes(16));
  const wiped = await wipedBy(() => hmac(SHA256, 32, key, SECRET, SALT));
  const padded = (byte: number) => both(key, new Uint8Array(48)).map((one) => one ^ byte);
  const inner = both(padded(0x36), SECRET, SALT);
  expectWiped(wiped, { inner });
  const outer = wiped.find(({ length }) => length === 96);
  expect(outer?.slice(0, 64)).toEqual([...padded(0x5c)]);
});

test("random bytes that were handed out do not stay in the pool", async () => {
  let bytes: Uint8Array = new Uint8Array();
  const wiped = await wipedBy(() => {
    bytes = systemRandom(16);
  });
  expectWiped(wiped, { bytes });
});

/** Whether `one` is the DES key that `other` becomes when it is corrected. */
function isCorrected(other: Contents, one: Contents): boolean {
  return other !== one && correctDesKey(Uint8Array.from(other)).join() === one.join();
}

/** Whether the last block, corrected, is `key`. */
function isKeyOf(sealed: Contents, key: Uint8Array): boolean {
  return correctDesKey(Uint8Array.from(sealed.slice(-8))).join() === key.join();
}

test.each([...ENCRYPTION_TYPES.values()])("a fresh key of $name leaves none of its random bytes", (type) => {
  const given: Uint8Array[] = [];
  const random = (size: number) => {
    // First what DES refuses: that is overwritten too.
    const bytes = given.length === 0 ? new Uint8Array(size).fill(1) : new Uint8Array(randomBytes(size));
    given.push(bytes);
    return bytes;
  };
  const key = type.generateKey(random);
  for (const bytes of given) expect(bytes === key || bytes.every((byte) => byte === 0)).toBe(true);
  expect(given).toHaveLength(type.weak ? 2 : 1);
});
