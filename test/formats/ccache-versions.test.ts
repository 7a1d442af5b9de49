import { describe, expect, it } from "vitest";
import { credentialCacheVersion } from "../../src/formats/ccache-versions.js";
import { emptyKeytab, formatKeytab } from "../../src/formats/keytab.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";

const hex = (text: string) => new Uint8Array(Buffer.from(text.replace(/\s/g, ""), "hex"));
const realm = Buffer.from("EXAMPLE.TEST").toString("hex");
const alice = Buffer.from("alice").toString("hex");

// The beginnings of caches as four generations of MIT's library wrote them, in both byte orders where there
// were two.
const OLD: [string, number, string][] = [
  ["1, little", 1, `0501 02000000 0c000000 ${realm} 05000000 ${alice}`],
  ["1, big", 1, `0501 00000002 0000000c ${realm} 00000005 ${alice}`],
  ["2, little", 2, `0502 01000000 01000000 0c000000 ${realm} 05000000 ${alice}`],
  ["2, big", 2, `0502 00000001 00000001 0000000c ${realm} 00000005 ${alice}`],
  ["3", 3, `0503 00000001 00000001 0000000c ${realm} 00000005 ${alice}`],
  ["4", 4, `0504 0000 00000001 00000001 0000000c ${realm} 00000005 ${alice}`],
];

describe("the version of a credential cache", () => {
  it.each(OLD)("is told: %s", (_, version, bytes) => {
    expect(credentialCacheVersion(hex(bytes))).toBe(version);
    expect(credentialCacheVersion(hex(`${bytes} 0000000000`))).toBe(version);
  });

  it.each(OLD.filter(([, version]) => version < 4))(
    "is none where the name is cut short: %s",
    (_, __, bytes) => {
      for (let length = 0; length < hex(bytes).length; length++)
        expect(credentialCacheVersion(hex(bytes).subarray(0, length)), `${length} bytes`).toBeUndefined();
    },
  );

  it("is told where the last component is empty, and of 64 components, not of 65", () => {
    const head = `0503 00000001`;
    expect(credentialCacheVersion(hex(`${head} 00000001 0000000c ${realm} 00000000`))).toBe(3);
    expect(credentialCacheVersion(hex(`${head} 00000040 ${"00000000".repeat(65)}`))).toBe(3);
    expect(credentialCacheVersion(hex(`${head} 00000041 ${"00000000".repeat(66)}`))).toBeUndefined();
    expect(credentialCacheVersion(hex(`${head} ffffffff ${"00000000".repeat(66)}`))).toBeUndefined();
  });

  it("is none for a keytab, which may begin with the same two bytes, and for other files", () => {
    const key = randomKey(etypeOf(20));
    for (const name of ["v@A", "http/v.example.test@EXAMPLE.TEST", "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST"]) {
      const entry = { principal: parsePrincipal(name, "name"), kvno: 1, timestamp: 0, key };
      expect(credentialCacheVersion(formatKeytab([entry]))).toBeUndefined();
    }
    expect(credentialCacheVersion(emptyKeytab())).toBeUndefined();
    // A keytab of version 1, little: an entry of 44 bytes with three components, the realm among them.
    expect(credentialCacheVersion(hex(`0501 2c000000 0300 0c00 ${realm} 0500 ${alice}`))).toBeUndefined();
    expect(
      credentialCacheVersion(hex(`0404 0000 00000001 00000001 0000000c ${realm} 00000005 ${alice}`)),
    ).toBeUndefined();
    expect(
      credentialCacheVersion(hex(`0505 00000001 00000001 0000000c ${realm} 00000005 ${alice}`)),
    ).toBeUndefined();
    for (const text of ["", "#", "#!/bin/sh\n", "\x05", "\x05\x05"])
      expect(credentialCacheVersion(new TextEncoder().encode(text))).toBeUndefined();
  });
});
