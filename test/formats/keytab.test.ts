import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { FormatError } from "../../src/formats/format-error.js";
import {
  formatKeytab,
  type KeytabEntry,
  parseKeytab,
  parseKeytabFile,
  readKeytabLayout,
  type SkippedKeytabEntry,
  skippedText,
} from "../../src/formats/keytab.js";
import { KeytabError } from "../../src/formats/keytab-error.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key, randomKey } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { wipedBy } from "../support/wiped.js";

const SKIPPED = { offset: 6, timestamp: 0, kvno: 300, etype: 23, principal: undefined };
const root = mkdtempSync(join(tmpdir(), "tessera-keytab-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ETYPES = [20, 19, 16, 3, -1, -2];
const principal = (text: string) => parsePrincipal(text, "test");
const T = Date.UTC(2026, 0, 2, 3, 4, 5);
const WRITTEN = 0x69573545 * 1000;
const hex = (text: string) => new Uint8Array(Buffer.from(text.replace(/\s|#.*$/gm, ""), "hex"));
const shown = (entries: readonly KeytabEntry[]) =>
  entries.map(({ key, ...rest }) => ({
    ...rest,
    etype: key.etype.etype,
    bytes: Buffer.from(key.exportBytes()).toString("hex"),
  }));

// Written by hand from the description of the format in docs/formats.md.
const ENTRY = `
  0000 002c                # length of the entry: 44
  0002                     # two components
  0006 412e54455354        # realm A.TEST
  0004 68747470            # http
  0001 76                  # v
  0000 0001                # name type: principal
  6957 3545                # 1767322949
  2c                       # kvno, low 8 bits: 300 mod 256
  0003                     # des-cbc-md5
  0008 0123456789abcdef    # key
  0000 012c                # kvno: 300
`;
const GOLDEN = `0502 ${ENTRY}`;

describe("keytab", () => {
  it("reads and writes the golden bytes", () => {
    const expected = [
      {
        principal: "http/v@A.TEST",
        timestamp: WRITTEN,
        kvno: 300,
        etype: 3,
        bytes: "0123456789abcdef",
      },
    ];
    const entries = parseKeytab(hex(GOLDEN));
    expect(shown(entries)).toEqual(expected);
    expect(Buffer.from(formatKeytab(entries)).toString("hex")).toBe(Buffer.from(hex(GOLDEN)).toString("hex"));
  });

  it("reads an empty keytab, holes, the 8-bit kvno, reused holes, Heimdal's flags and an end mark", () => {
    expect(parseKeytab(hex("0502"))).toEqual([]);
    expect(readKeytabLayout(hex("0502"))).toEqual({ slots: [], end: 2, fileSize: 2 });
    const hole = "fffffffa 5a5a5a5a5a5a";
    expect(parseKeytab(hex(`0502 ${hole} ${ENTRY} ${hole} ${ENTRY} ${hole}`))).toHaveLength(2);
    const short = ENTRY.replace("0000 002c", "0000 0028").replace(/0000 012c.*/, "");
    expect(parseKeytab(hex(`0502 ${short}`))[0]?.kvno).toBe(0x2c);
    const longer = ENTRY.replace("0000 002c", "0000 0033").replace("0000 012c", "0000 0000");
    const reused = `${longer} 00000000000000`;
    expect(parseKeytab(hex(`0502 ${reused}`))[0]?.kvno).toBe(0x2c);
    const heimdal = `${ENTRY.replace("0000 002c", "0000 0030")} 00000001`;
    expect(parseKeytab(hex(`0502 ${heimdal}`))[0]?.kvno).toBe(300);
  });

  it("passes over what is of no use here, and says which: one bad entry spoils no other", () => {
    const skipped: SkippedKeytabEntry[] = [];
    const spoilt: [string, Partial<SkippedKeytabEntry>][] = [
      [
        ENTRY.replace("0003 ", "0017 "),
        { principal: principal("http/v@A.TEST"), etype: 23, reason: "etype" },
      ],
      [ENTRY.replace("412e54455354", "612e74657374"), { name: "http/v@a.test", reason: "name" }],
      [ENTRY.replace("0004 68747470", "0004 68742f70"), { name: "ht/p/v@A.TEST", reason: "name" }],
      // A key of 8 bytes for an encryption type of 24, a name of 65,535 components, a key longer than the
      // entry.
      [ENTRY.replace("0003 ", "0010 "), { name: "http/v@A.TEST", etype: 16, reason: "malformed" }],
      [ENTRY.replace("0002 ", "ffff "), { name: "", kvno: 0, reason: "malformed" }],
      [ENTRY.replace("0008 01", "00ff 01"), { name: "http/v@A.TEST", kvno: 44, reason: "malformed" }],
    ];
    const bytes = hex(`0502 ${spoilt.map(([entry]) => entry).join(ENTRY)} ${ENTRY}`);
    expect(parseKeytab(bytes, (entry) => skipped.push(entry))).toHaveLength(spoilt.length);
    const known = { name: "http/v@A.TEST", principal: undefined, etype: 3, kvno: 300, timestamp: WRITTEN };
    const unknown = { name: "", principal: undefined, etype: 0, kvno: 0, timestamp: 0 };
    expect(skipped).toEqual(
      spoilt.map(([, told], i) => ({
        ...(told.name === "" ? unknown : known),
        ...(told.reason === "malformed" && told.name !== "" && { principal: principal("http/v@A.TEST") }),
        ...told,
        offset: 6 + i * 2 * 48,
      })),
    );
  });

  it("reads what stands before a length below 1, and what MIT's readers ignore behind a key", () => {
    for (const end of ["00", "000000", "00000000", "00000000 01", `00000000 ${ENTRY}`])
      expect(parseKeytab(hex(`0502 ${ENTRY} ${end}`)), end).toHaveLength(1);
    // Samba writes bytes of its own behind the version, and reused holes end in anything.
    for (const [size, behind] of [
      ["002d", "01"],
      ["0035", "00000000 0000000001"],
    ])
      expect(
        parseKeytab(hex(`0502 ${ENTRY.replace("002c  ", `${size}  `)} ${behind} ${ENTRY}`)).map(
          ({ kvno }) => kvno,
        ),
      ).toEqual([300, 300]);
  });

  it("reads the entries before one that the file's end cuts short, and says so", () => {
    const whole = hex(`0502 ${ENTRY} ${ENTRY}`);
    for (let length = 0; length < 2; length++)
      expect(() => parseKeytab(whole.subarray(0, length))).toThrow(FormatError);
    for (const other of ["0501", "0504"]) expect(() => parseKeytab(hex(other))).toThrow(FormatError);
    for (let length = 2; length < whole.length; length++) {
      const reasons: string[] = [];
      const entries = parseKeytab(whole.subarray(0, length), ({ reason }) => reasons.push(reason));
      const begun = (length - 2) % 48;
      expect([entries.length, reasons], `${length} bytes`).toEqual([
        Math.floor((length - 2) / 48),
        begun < 4 ? [] : ["cut-short"],
      ]);
    }
    for (const length of ["80000000", "7fffffff 00"])
      expect(readKeytabLayout(hex(`0502 ${length}`))).toMatchObject({ end: undefined });
  });

  it("tells a name of 64 components, which is none here, from one of more, which no keytab has", () => {
    const named = (count: number) => {
      const components = "0001 61".repeat(count);
      const name = `${count.toString(16).padStart(4, "0")} 0006 412e54455354 ${components} 0000 0001`;
      const body = hex(`${name} 6957 3545 01 0003 0008 0123456789abcdef 0000 0001`);
      return new Uint8Array(
        Buffer.concat([hex("0502 0000"), Buffer.of(body.length >> 8, body.length), body]),
      );
    };
    const found = (count: number) =>
      readKeytabLayout(named(count)).slots.map(({ held }) =>
        held && "reason" in held ? held.reason : "read",
      );
    expect([found(63), found(64), found(65)]).toEqual([["name"], ["name"], ["malformed"]]);
  });

  it("refuses to write what the format cannot hold", () => {
    const entry = { principal: principal("v@A.TEST"), timestamp: T, kvno: 1, key: randomKey(etypeOf(20)) };
    for (const bad of [
      { kvno: -1 },
      { kvno: 2 ** 32 },
      { kvno: 1.5 },
      { timestamp: -1 },
      { timestamp: 2 ** 32 * 1000 },
    ])
      expect(() => formatKeytab([{ ...entry, ...bad }])).toThrow(
        new RangeError(
          bad.kvno === undefined
            ? `timestamp: expected a time from 1970 to 2106 in ms, got ${bad.timestamp}`
            : `kvno: expected 0 to 2^32 - 1, got ${bad.kvno}`,
        ),
      );
    expect(parseKeytab(formatKeytab([{ ...entry, kvno: 0, timestamp: 0 }]))[0]).toMatchObject({
      kvno: 0,
      timestamp: 0,
    });
    const latest = formatKeytab([{ ...entry, kvno: 2 ** 32 - 1, timestamp: (2 ** 32 - 1) * 1000 + 999 }]);
    expect(parseKeytab(latest)[0]).toMatchObject({ kvno: 2 ** 32 - 1, timestamp: (2 ** 32 - 1) * 1000 });
  });

  it("reads back what it writes", () => {
    const entry = fc
      .record({
        principal: fc.constantFrom("v@A.TEST", "http/v.a.test@A.TEST", "a/b/c/d@EXAMPLE.TEST").map(principal),
        timestamp: fc.nat(2 ** 32 - 1).map((seconds) => seconds * 1000),
        kvno: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        etype: fc.constantFrom(...ETYPES),
        seed: fc.nat(255),
      })
      .map(({ etype, seed, ...rest }) => ({
        ...rest,
        key: new Key(etypeOf(etype), new Uint8Array(etypeOf(etype).keySize).fill(seed)),
      }));
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
        // A kvno of 0 in 32 bits means "see the 8 bits", which are 0 as well.
        expect(shown(parseKeytab(formatKeytab(entries)))).toEqual(shown(entries));
      }),
    );
  });

  it("meets any bytes with entries or a FormatError, and stays within its input", () => {
    const whole = hex(`0502 ${ENTRY} fffffffa 5a5a5a5a5a5a ${ENTRY}`);
    const mutation = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    });
    const onlyFormatErrors = (bytes: Uint8Array) => {
      try {
        parseKeytab(bytes);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        expect(error.offset).toBeLessThanOrEqual(bytes.length);
      }
    };
    fc.assert(
      fc.property(mutation, (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        onlyFormatErrors(bytes);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (rest) =>
        onlyFormatErrors(Buffer.concat([hex("0502"), rest])),
      ),
      {
        numRuns: 2000,
      },
    );
  });

  it.each(["", "05", "0501"])("says that it is no keytab: %j", (bytes) => {
    expect(() => parseKeytab(hex(bytes))).toThrow(new FormatError(0, "not a keytab of version 0x0502"));
  });

  it("of a file is refused with the file's name", () => {
    expect(shown(parseKeytabFile("v.keytab", hex(GOLDEN)))).toEqual(shown(parseKeytab(hex(GOLDEN))));
    const refusal = thrownBy(() => parseKeytabFile("v.keytab", hex("0501")));
    expect(refusal).toBeInstanceOf(KeytabError);
    expect(refusal).toMatchObject({
      name: "KeytabError",
      message: "v.keytab: not a keytab of version 0x0502 (at byte 0)",
      cause: expect.any(FormatError),
    });
    const stop = new Error("enough");
    const onSkipped = () => {
      throw stop;
    };
    const skipping = hex(GOLDEN.replace("0003 ", "0017 "));
    expect(thrownBy(() => parseKeytabFile("v.keytab", skipping, onSkipped))).toBe(stop);
  });

  it.each<[SkippedKeytabEntry["reason"], string, string]>([
    ["cut-short", "http/v@A.TEST", "the end of the file cuts its last entry short"],
    ["malformed", "", "an entry that is not whole"],
    ["malformed", "http/v@A.TEST", "an entry of http/v@A.TEST that is not whole"],
    ["etype", "http/v@A.TEST", "a key of http/v@A.TEST, kvno 300: encryption type 23 is not supported here"],
    ["name", "http/v@a.test", "a key of http/v@a.test, kvno 300: such a name is not supported here"],
  ])("says of an entry that it passed over (%s) what it is: %j", (reason, name, text) => {
    expect(skippedText({ ...SKIPPED, name, reason })).toBe(text);
  });

  it("overwrites the keys that it read, and those that it wrote", async () => {
    const key = [...hex("0123456789abcdef")];
    let entries: KeytabEntry[] = [];
    expect(
      await wipedBy(() => {
        entries = parseKeytab(hex(GOLDEN));
      }),
    ).toContainEqual(key);
    expect(await wipedBy(() => parseKeytab(hex(GOLDEN.replace("0003 ", "0017 "))))).toContainEqual(key);
    const written = await wipedBy(() => formatKeytab(entries));
    expect(written).toContainEqual(key);
    expect(written).toContainEqual([...hex(GOLDEN).subarray(6)]);
  });

  it.each([
    ["an array", (bytes: Uint8Array) => bytes],
    ["a Buffer, whose own slices are views", (bytes: Uint8Array) => Buffer.from(bytes)],
  ])("keeps no view of the bytes it was given, nor changes them: %s", (_, of) => {
    const bytes = of(hex(GOLDEN));
    const entries = parseKeytab(bytes);
    expect(Buffer.compare(bytes, hex(GOLDEN))).toBe(0);
    bytes.fill(0);
    expect(shown(entries)[0]?.bytes).toBe("0123456789abcdef");
  });
});

describe.skipIf(!hasTool("klist"))("keytab: MIT's tools", () => {
  const file = join(root, "v.keytab");
  const entries = ETYPES.map((etype, i) => ({
    principal: principal("http/v.example.test@EXAMPLE.TEST"),
    timestamp: T + i * 1000,
    kvno: 300 + i,
    key: randomKey(etypeOf(etype)),
  }));

  it("klist -kteK reads what we write, every encryption type of it", () => {
    writeFileSync(file, formatKeytab(entries), { mode: 0o600 });
    const output = execFileSync("klist", ["-kteK", file], {
      encoding: "utf8",
      env: { ...process.env, TZ: "UTC" },
    });
    const lines = output.split("\n").filter((line) => line.includes("http/v.example.test@EXAMPLE.TEST"));
    expect(lines).toHaveLength(ETYPES.length);
    for (const [i, { kvno, key }] of entries.entries()) {
      expect(lines[i]).toMatch(new RegExp(`^ *${kvno} `));
      expect(lines[i]).toContain(`0x${Buffer.from(key.exportBytes()).toString("hex")}`);
    }
    expect(lines[0]).toContain("aes256-cts-hmac-sha384-192");
    expect(lines[0]).toContain("03:04:05");
  });

  it.skipIf(!hasTool("ktutil"))("we read what ktutil writes", () => {
    const written = join(root, "mit.keytab");
    writeFileSync(file, formatKeytab(entries.slice(0, 2)), { mode: 0o600 });
    execFileSync("ktutil", { input: `rkt ${file}\nwkt ${written}\nq\n` });
    // ktutil writes its own time.
    const read = parseKeytab(readBytes(written)).map((entry) => ({ ...entry, timestamp: T }));
    expect(shown(read)).toEqual(shown(entries.slice(0, 2).map((entry) => ({ ...entry, timestamp: T }))));
  });
});

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

function readBytes(file: string): Uint8Array {
  return new Uint8Array(execFileSync("cat", [file]));
}

function hasTool(name: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`]);
    return true;
  } catch {
    return false;
  }
}
