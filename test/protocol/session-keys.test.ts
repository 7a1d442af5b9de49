import { hkdfSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../src/crypto/hash.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import {
  deriveSessionKeys,
  hasSessions,
  MacKey,
  type SessionOrigin,
} from "../../src/protocol/session-keys.js";

const text = (value: string) => Uint8Array.from(Buffer.from(value));
const originOf = (etype: number): SessionOrigin => ({
  clientSubkey: randomKey(etypeOf(etype)),
  serviceSubkey: randomKey(etypeOf(etype)),
  id: text("0123456789abcdef"),
  apReq: text("an AP-REQ"),
  apRep: text("an AP-REP"),
});
/** What each key does to the same bytes: it tells keys apart. */
const marksOf = (origin: SessionOrigin) => {
  const keys = deriveSessionKeys(origin);
  const macs = [keys.call, keys.reply, keys.clientMessages, keys.serviceMessages];
  const seals = [keys.clientSeal, keys.serviceSeal];
  return [
    ...macs.map((key) => Buffer.from(key.mac(text("x"))).toString("hex")),
    ...seals.map((key) => Buffer.from(key.exportBytes()).toString("hex")),
  ];
};

test("sessions are for encryption types with integrity that are not weak", () => {
  const types = [20, 19, 16, 3, -1, -2].filter((etype) => hasSessions(etypeOf(etype)));
  expect(types).toEqual([20, 19]);
});

describe.each([19, 20])("the keys of a session of encryption type %i", (etype) => {
  const origin = originOf(etype);

  test("are HKDF-SHA-256 of both subkeys, bound to the exchange", () => {
    const ikm = Buffer.concat([origin.clientSubkey.exportBytes(), origin.serviceSubkey.exportBytes()]);
    const derived = (label: string, size: number) => {
      const info = Buffer.concat([
        text("tessera guard session v1"),
        Buffer.of(0),
        text(label),
        Buffer.of(0),
        sha256(origin.apReq),
        sha256(origin.apRep),
      ]);
      return new Uint8Array(hkdfSync("sha256", ikm, origin.id, info, size));
    };
    const keys = deriveSessionKeys(origin);
    for (const [key, label] of [
      [keys.call, "call"],
      [keys.reply, "reply"],
      [keys.clientMessages, "message c"],
      [keys.serviceMessages, "message s"],
    ] as const)
      expect(key.mac(text("x"))).toEqual(new MacKey(derived(label, 32)).mac(text("x")));
    expect(keys.clientSeal.exportBytes()).toEqual(derived("seal c", etypeOf(etype).keySize));
    expect(keys.serviceSeal.exportBytes()).toEqual(derived("seal s", etypeOf(etype).keySize));
    expect(keys.serviceSeal.etype.etype).toBe(etype);
  });

  test("are all different", () => {
    expect(new Set(marksOf(origin)).size).toBe(6);
  });

  test.each([
    { what: "the client's subkey", other: { clientSubkey: randomKey(etypeOf(etype)) } },
    { what: "the service's subkey", other: { serviceSubkey: randomKey(etypeOf(etype)) } },
    {
      what: "both subkeys, changed about",
      other: { clientSubkey: origin.serviceSubkey, serviceSubkey: origin.clientSubkey },
    },
    { what: "the identifier", other: { id: text("0123456789abcdeF") } },
    { what: "the AP-REQ", other: { apReq: text("an AP-REQ, altered") } },
    { what: "the AP-REP", other: { apRep: text("an AP-REP, altered") } },
  ])("change with $what, every one of them", ({ other }) => {
    const before = marksOf(origin);
    const after = marksOf({ ...origin, ...other });
    expect(after.filter((mark) => before.includes(mark))).toEqual([]);
  });

  test("are made once each", () => {
    const keys = deriveSessionKeys(origin);
    expect(keys.clientMessages).toBe(keys.clientMessages);
    expect(keys.serviceMessages).toBe(keys.serviceMessages);
    expect(keys.clientSeal).toBe(keys.clientSeal);
    expect(keys.serviceSeal).toBe(keys.serviceSeal);
  });

  test("that are derived after a wipe are others", () => {
    const [keys, others] = [deriveSessionKeys(origin), deriveSessionKeys(origin)];
    keys.wipe();
    expect(keys.clientSeal.equals(others.clientSeal)).toBe(false);
    expect(keys.serviceMessages.mac(text("x"))).not.toEqual(others.serviceMessages.mac(text("x")));
  });

  test("are of no use once they are wiped", () => {
    const keys = deriveSessionKeys(origin);
    const before = keys.call.mac(text("x"));
    const seals = [keys.clientSeal, keys.serviceSeal];
    keys.wipe();
    expect(keys.call.mac(text("x"))).not.toEqual(before);
    expect(keys.call.mac(text("x"))).toEqual(new MacKey(new Uint8Array(32)).mac(text("x")));
    for (const seal of seals) {
      expect(seal.exportBytes()).toEqual(new Uint8Array(etypeOf(etype).keySize));
      expect(() => seal.cipher).toThrow("wiped");
    }
  });
});
