import { format, inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ENCRYPTION_TYPES } from "../../src/crypto/etypes.js";
import { etypeName, etypeOf } from "../../src/protocol/etypes.js";
import { defaultStringToKey, Key, keyFromPassword, randomKey } from "../../src/protocol/keys.js";
import { KrbError } from "../../src/protocol/krb-error.js";
import { named } from "../support/entries.js";
import { expectRefusal } from "./refusal.js";

const ROWS = [...ENCRYPTION_TYPES.values()];

describe.each(ROWS.map((row) => [row.name, row] as const))("a key of %s", (name, row) => {
  const key = randomKey(row);
  const bytes = key.exportBytes();
  // Schedules and derived keys are made, so that they too would show.
  key.cipher.decrypt(2, key.cipher.encrypt(2, new Uint8Array(8)));
  key.cipher.checksum(6, new Uint8Array(8));
  const forms = [
    Buffer.from(bytes).toString("hex"),
    Buffer.from(bytes).toString("base64"),
    [...bytes].join(),
    [...bytes].join(", "),
  ];
  const holder = { key, keys: [{ kvno: 1, key }], map: new Map([["k", key]]), cipher: key.cipher };

  test.each<[string, () => string]>([
    ["util.inspect", () => inspect(key)],
    [
      "util.inspect of what holds it, hidden properties and all",
      () =>
        inspect(holder, {
          showHidden: true,
          depth: Number.POSITIVE_INFINITY,
          maxArrayLength: null,
          maxStringLength: null,
        }),
    ],
    [
      "util.inspect without its own form",
      () =>
        inspect(holder, {
          customInspect: false,
          showHidden: true,
          depth: Number.POSITIVE_INFINITY,
          maxArrayLength: null,
        }),
    ],
    ["the console's %s", () => format("%s", key)],
    ["the console's %o", () => format("%o", holder)],
    ["the console's %O", () => format("%O", holder)],
    ["the console's %j", () => format("%j", holder)],
    ["the console's %d", () => format("%d", key)],
    ["a template string", () => `${key}`],
    ["a concatenation", () => `key: ${String(key)}`],
    ["JSON", () => JSON.stringify(holder)],
    [
      "the cause of an error",
      () => inspect(new Error("x", { cause: holder }), { depth: Number.POSITIVE_INFINITY }),
    ],
    ["its enumerable properties", () => inspect({ ...key }, { depth: Number.POSITIVE_INFINITY })],
  ])("does not show in %s", (_, show) => {
    const shown = show();
    for (const form of forms) expect(shown).not.toContain(form);
  });

  test("prints as redacted, with its type where there is room", () => {
    expect(inspect(key)).toBe(`Key(${name}) [redacted]`);
    expect(`${key}`).toBe("[redacted]");
    expect(JSON.stringify({ key })).toBe('{"key":"[redacted]"}');
  });

  test("owns its bytes: neither those given nor those exported change it", () => {
    const given = Uint8Array.from(bytes);
    const own = new Key(row, given);
    given.fill(0);
    own.exportBytes().fill(0);
    expect(own.exportBytes()).toEqual(bytes);
  });

  test("is refused at any other length", () => {
    for (const length of [0, row.keySize - 1, row.keySize + 1, 2 * row.keySize])
      expect(() => new Key(row, new Uint8Array(length))).toThrow(
        new RangeError(`key: expected ${row.keySize} bytes for ${name}, got ${length}`),
      );
  });

  test("is gone once wiped", () => {
    const wiped = new Key(row, bytes);
    const { cipher } = wiped;
    wiped.wipe();
    expect(wiped.exportBytes()).toEqual(new Uint8Array(row.keySize));
    expect(() => cipher.encrypt(2, new Uint8Array(8))).toThrow("wiped");
    expect(() => wiped.cipher).toThrow("key: already wiped");
    const unused = new Key(row, bytes);
    unused.wipe();
    expect(() => unused.cipher).toThrow("key: already wiped");
  });

  test("comes from a password, another one for another salt", async () => {
    const alice = defaultStringToKey(named("alice"));
    expect(alice).toEqual({ salt: "EXAMPLE.TESTalice", params: new Uint8Array() });
    // One iteration, to be quick; DES has no parameters.
    const params = row.iterations?.toParams(1) ?? new Uint8Array();
    const [one, same, other] = await Promise.all([
      keyFromPassword(row, "correct horse", { salt: alice.salt, params }),
      keyFromPassword(row, "correct horse", { salt: alice.salt, params }),
      keyFromPassword(row, "correct horse", { salt: "EXAMPLE.TESTbob", params }),
    ]);
    expect(one.exportBytes()).toEqual(same.exportBytes());
    expect(one.exportBytes()).not.toEqual(other.exportBytes());
    expect(() => one.cipher).not.toThrow();
  });

  test("does not come from parameters its type does not have", async () => {
    const params = Uint8Array.of(1, 2, 3, 4, 5);
    await expect(keyFromPassword(row, "x", { salt: "s", params })).rejects.toMatchObject({
      name: "KrbError",
      reason: "KDC_ERR_ETYPE_NOSUPP",
      details: { etype: String(row.etype) },
    });
  });
});

test("an absurd iteration count, as a hostile KDC could send, is refused and not computed", async () => {
  const row = etypeOf(20);
  for (const params of [Uint8Array.of(0xff, 0xff, 0xff, 0xff), Uint8Array.of(0, 0, 0, 0)])
    await expect(keyFromPassword(row, "x", { salt: "s", params })).rejects.toMatchObject({
      reason: "KDC_ERR_ETYPE_NOSUPP",
    });
});

test("the refusal of parameters says nothing of the password", async () => {
  const refusal = await keyFromPassword(etypeOf(3), "correct horse", {
    salt: "s",
    params: Uint8Array.of(1),
  }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(refusal).toBeInstanceOf(KrbError);
  expect(inspect(refusal)).not.toContain("correct horse");
});

test("an encryption type this project does not have is refused", () => {
  for (const etype of [0, 1, 17, 18, 23, -3, 2 ** 31, Number.NaN])
    expectRefusal(() => etypeOf(etype), "KDC_ERR_ETYPE_NOSUPP", { etype: String(etype) });
});

test("a weak or bad-parity DES key is refused when it is to be used", () => {
  for (const byte of [0x01, 0xfe, 0x00]) {
    const key = new Key(etypeOf(3), new Uint8Array(8).fill(byte));
    expect(() => key.cipher).toThrow(RangeError);
  }
});

describe("a password that can't be one is refused by name", () => {
  const s2k = { salt: "EXAMPLE.TESTalice", params: new Uint8Array() };

  test.each([
    ["empty", "", "KRB_ERR_GENERIC"],
    ["half a surrogate pair", "pass\ud800word", "KRB_ERR_GENERIC"],
    ["1025 bytes", "p".repeat(1025), "KRB_ERR_FIELD_TOOLONG"],
    ["513 characters of two bytes", "é".repeat(513), "KRB_ERR_FIELD_TOOLONG"],
  ])("%s", async (_name, password, reason) => {
    await expect(keyFromPassword(etypeOf(3), password, s2k)).rejects.toMatchObject({
      name: "KrbError",
      reason,
      message: expect.stringMatching(/^password: .+\d|^password: expected well-formed text/),
      details: { field: "password" },
    });
  });

  test("1024 bytes are still taken", async () => {
    expect((await keyFromPassword(etypeOf(3), "p".repeat(1024), s2k)).etype.etype).toBe(3);
  });
});

describe("the name of an encryption type", () => {
  test.each([
    [3, "des-cbc-md5"],
    [20, "aes256-cts-hmac-sha384-192"],
    [17, "etype 17"],
    [0, "etype 0"],
  ])("%i is %s", (etype, name) => {
    expect(etypeName(etype)).toBe(name);
  });
});
