import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import {
  type CredentialCacheFile,
  formatCredentialCache,
  formatKdcOffset,
  type ParsedCredentialCache,
  parseCredentialCache,
} from "../../src/formats/ccache.js";
import {
  formatCredentials,
  removedTimes,
  type SkippedCredential,
} from "../../src/formats/ccache-credential.js";
import { FormatError } from "../../src/formats/format-error.js";
import { TicketFlag } from "../../src/gen/kerberos/v1/sealed_pb.js";
import type { Credentials } from "../../src/protocol/credentials.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { Key } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";
import { wipedBy } from "../support/wiped.js";

const root = mkdtempSync(join(tmpdir(), "tessera-ccache-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ETYPES = [20, 19, 16, 3, -1, -2];
const principal = (text: string) => parsePrincipal(text, "test");
const hex = (text: string) => new Uint8Array(Buffer.from(text.replace(/\s|#.*$/gm, ""), "hex"));
const shown = (file: CredentialCacheFile | ParsedCredentialCache) => ({
  defaultPrincipal: file.defaultPrincipal,
  kdcOffset: file.kdcOffset,
  config: file.config ?? [],
  credentials: file.credentials.map(({ key, ...rest }) => ({
    ...rest,
    etype: key.etype.etype,
    bytes: Buffer.from(key.exportBytes()).toString("hex"),
  })),
});

// Written by hand from the description of the format in docs/formats.md.
const ALICE = `
  00000001 00000001        # name type, one component
  00000006 412e54455354    # A.TEST
  00000005 616c696365      # alice
`;
const KRBTGT = `
  00000002 00000002        # service with an instance, two components
  00000006 412e54455354    # A.TEST
  00000006 6b7262746774    # krbtgt
  00000006 412e54455354    # A.TEST
`;
const CREDENTIAL = `
  ${ALICE} ${KRBTGT}
  0003                     # des-cbc-md5
  00000008 0123456789abcdef
  69573545 69573546 69573547 69573548
  00                       # not under another ticket's key
  40800000                 # forwardable, renewable
  00000000 00000000        # no addresses, no authorization data
  00000003 aabbcc          # ticket
  00000000                 # no second ticket
`;
const CONFIG = `
  ${ALICE}
  00000001 00000003
  0000000c 582d4341434845434f4e463a
  00000015 6b7262355f6363616368655f636f6e665f64617461
  0000000a 666173745f617661696c                     # fast_avail
  00000014 6b72627467742f412e5445535440412e54455354 # krbtgt/A.TEST@A.TEST
  0000 00000000 00000000 00000000 00000000 00000000 00 00000000 00000000 00000000
  00000003 796573          # yes
  00000000
`;
const HEAD = `
  0504
  000c 0001 0008 ffffffff fffe7960   # the KDC's clock is 1.1 s behind
  ${ALICE}
`;
const GOLDEN = `${HEAD} ${CONFIG} ${CREDENTIAL}`;

/** What the credential says besides names. */
const TIMES = {
  starttime: 0x69573546 * 1000,
  endtime: 0x69573547 * 1000,
  renewTill: 0x69573548 * 1000,
  bytes: 3,
  flags: 0x40800000,
};

describe("credential cache", () => {
  it("reads and writes the golden bytes", () => {
    const file = parseCredentialCache(hex(GOLDEN));
    const value = new Uint8Array(Buffer.from("yes"));
    expect(shown(file)).toEqual({
      defaultPrincipal: "alice@A.TEST",
      kdcOffset: -1100,
      config: [{ name: "fast_avail", server: "krbtgt/A.TEST@A.TEST", value }],
      credentials: [
        {
          client: "alice@A.TEST",
          server: "krbtgt/A.TEST@A.TEST",
          etype: 3,
          bytes: "0123456789abcdef",
          authtime: 0x69573545 * 1000,
          starttime: 0x69573546 * 1000,
          endtime: 0x69573547 * 1000,
          renewTill: 0x69573548 * 1000,
          flags: [TicketFlag.FORWARDABLE, TicketFlag.RENEWABLE],
          ticket: hex("aabbcc"),
        },
      ],
    });
    const again = formatCredentialCache({ ...file, defaultPrincipal: principal("alice@A.TEST") });
    expect(Buffer.from(again).toString("hex")).toBe(Buffer.from(hex(GOLDEN)).toString("hex"));
  });

  it("reads a cache without offset, with unknown header fields, addresses and a second ticket", () => {
    expect(parseCredentialCache(hex(`0504 0000 ${ALICE}`))).toMatchObject({
      kdcOffset: undefined,
      credentials: [],
    });
    const header = "0504 0014 0007 0004 01020304 0001 0008 00000002 0007a120";
    expect(parseCredentialCache(hex(`${header} ${ALICE}`)).kdcOffset).toBe(2500);
    const full = CREDENTIAL.replace(
      "00000000 00000000        #",
      "00000001 0002 00000004 7f000001 00000001 0001 00000002 abcd #",
    ).replace("00000000                 # no second", "00000002 0102 # a second");
    expect(parseCredentialCache(hex(`${HEAD} ${full} ${CREDENTIAL}`)).credentials).toHaveLength(2);
  });

  it("reads and writes notes of the whole cache, and takes nothing else of their realm for one", () => {
    const value = Uint8Array.of(1);
    const config = [{ name: "pa_type", server: undefined, value }];
    const bytes = formatCredentialCache({
      defaultPrincipal: principal("alice@A.TEST"),
      credentials: [],
      config,
    });
    expect(parseCredentialCache(bytes).config).toEqual(config);
    // One more component would make it a note of a server without a name.
    expect(Buffer.from(bytes).toString("hex")).toContain(
      "0000000100000002" + "0000000c582d4341434845434f4e463a",
    );
    const reasons: string[] = [];
    const other = CONFIG.replace(
      "6b7262355f6363616368655f636f6e665f64617461",
      "6b7262355f6363616368655f636f6e665f64617462",
    );
    expect(
      parseCredentialCache(hex(`${HEAD} ${other}`), ({ reason }) => reasons.push(reason)).config,
    ).toEqual([]);
    expect(reasons).toEqual(["etype"]);
  });

  it("takes authtime for a missing start time and nothing for a missing renew till", () => {
    const bytes = hex(
      `${HEAD} ${CREDENTIAL.replace("69573546", "00000000").replace("69573548", "00000000")}`,
    );
    expect(parseCredentialCache(bytes).credentials[0]).toMatchObject({
      starttime: 0x69573545 * 1000,
      renewTill: undefined,
    });
  });

  it("passes over what is of no use here, and says which: one bad credential spoils no other", () => {
    const skipped: SkippedCredential[] = [];
    const spoilt: [string, Partial<SkippedCredential>][] = [
      [CREDENTIAL.replace("0003  ", "0017  "), { etype: 23, reason: "etype" }],
      [CREDENTIAL.replace("6b7262746774", "6b72627467ff"), { name: "krbtg?/A.TEST@A.TEST", reason: "name" }],
      [CREDENTIAL.replace("616c696365", "616cff6365"), { client: "al?ce@A.TEST", reason: "name" }],
      [CREDENTIAL.replace("0003  ", "0010  "), { etype: 16, reason: "malformed" }],
      [
        CREDENTIAL.replace("69573545", "ffffffff").replace("69573547", "00000000"),
        { endtime: 0, reason: "removed" },
      ],
      // Heimdal's way to remove one, and MIT's to remove a note.
      [CREDENTIAL.replace("69573547", "00000000"), { endtime: 0, reason: "removed" }],
      [
        CONFIG.replace("582d4341434845434f4e463a", "582d524d45442d434f4e463a"),
        { name: "krb5_ccache_conf_data/fast_avail/krbtgt/A.TEST@A.TEST@X-RMED-CONF:", reason: "removed" },
      ],
    ];
    const bytes = hex(`${HEAD} ${spoilt.map(([credential]) => credential).join(CREDENTIAL)}`);
    const file = parseCredentialCache(bytes, (credential) => skipped.push(credential));
    expect(file.credentials).toHaveLength(spoilt.length - 1);
    expect(skipped).toMatchObject(
      spoilt.map(([, told]) => ({
        client: "alice@A.TEST",
        name: "krbtgt/A.TEST@A.TEST",
        ...(told.name?.endsWith("-CONF:") !== true && TIMES),
        ...told,
      })),
    );
    expect(file.end).toBe(bytes.length);
  });

  it("is read without its default principal where that is outside the grammar", () => {
    const file = parseCredentialCache(
      hex(`0504 0000 ${ALICE.replace("616c696365", "616cff6365")} ${CREDENTIAL}`),
    );
    expect(file).toMatchObject({ defaultPrincipal: undefined, defaultName: "al?ce@A.TEST" });
    expect(file.credentials).toHaveLength(1);
  });

  it("reads the credentials before one that the file's end cuts short, and says where it begins", () => {
    const [whole, head, config] = [hex(GOLDEN), hex(HEAD), hex(`${HEAD} ${CONFIG}`)];
    for (let length = 0; length < head.length; length++)
      expect(() => parseCredentialCache(whole.subarray(0, length)), `${length} bytes`).toThrow(FormatError);
    for (let length = head.length; length < whole.length; length++) {
      const reasons: string[] = [];
      const file = parseCredentialCache(whole.subarray(0, length), ({ reason }) => reasons.push(reason));
      const end = length < config.length ? head.length : config.length;
      expect([file.end, reasons], `${length} bytes`).toEqual([end, length === end ? [] : ["cut-short"]]);
    }
    const endless = CREDENTIAL.replace("00000000 00000000        #", "ffffffff 00000000 #");
    expect(parseCredentialCache(hex(`${HEAD} ${endless}`))).toMatchObject({
      credentials: [],
      end: head.length,
    });
    for (const bad of [
      "0503",
      "0502",
      `0504 0003 000000 ${ALICE}`,
      `0504 000d 0001 0009 00000000 00000000 00 ${ALICE}`,
      `0504 0000 ${ALICE.replace("00000001 00000001 ", "00000001 ffffffff ")}`,
    ])
      expect(() => parseCredentialCache(hex(bad)), bad).toThrow(FormatError);
  });

  it.each([
    ["", "not a credential cache of version 0x0504 (at byte 0)"],
    ["05", "not a credential cache of version 0x0504 (at byte 0)"],
    ["0502", "not a credential cache of version 0x0504 (at byte 0)"],
    ["0504", "cut short: expected 2 more bytes, got 0 (at byte 2)"],
    [`0504 000d 0001 0009 00000000 00000000 00 ${ALICE}`, "a clock offset of more than 8 bytes (at byte 16)"],
    [
      `0504 0000 ${ALICE.replace("00000001 00000001 ", "00000001 00000041 ")}`,
      "a name of 65 components (at byte 12)",
    ],
  ])("says what is wrong and where: %s", (bytes, text) => {
    const parse = () => parseCredentialCache(hex(bytes));
    expect(parse).toThrow(FormatError);
    expect(parse).toThrow(new RegExp(`^${text.replace(/[()]/g, "\\$&")}$`));
  });

  it("shows 300 characters of a name at most", () => {
    const long = `00000001 00000001 00000006 412e54455354 00000200 ${"61".repeat(512)}`;
    expect(parseCredentialCache(hex(`0504 0000 ${long}`)).defaultName).toBe("a".repeat(300));
  });

  it("takes a name of 64 components", () => {
    const name = `00000001 00000040 00000006 412e54455354 ${"00000001 61".repeat(64)}`;
    expect(parseCredentialCache(hex(`0504 0000 ${name}`)).defaultName).toBe(`${"a/".repeat(63)}a@A.TEST`);
  });

  it("overwrites the session keys that it read, once they are kept as keys or passed over", async () => {
    const removed = CREDENTIAL.replace("69573547", "00000000").replace(
      "0123456789abcdef",
      "1122334455667788",
    );
    const wiped = await wipedBy(() => parseCredentialCache(hex(`${HEAD} ${CREDENTIAL} ${removed}`)));
    expect(wiped).toContainEqual([...hex("0123456789abcdef")]);
    expect(wiped).toContainEqual([...hex("1122334455667788")]);
    const file = parseCredentialCache(hex(GOLDEN));
    expect(await wipedBy(() => formatCredentials(file.credentials[0]!))).toContainEqual([
      ...hex("0123456789abcdef"),
    ]);
  });

  it("is changed in place: credentials appended or marked as removed, the offset written over", () => {
    const bytes = hex(GOLDEN);
    const { entries, kdcOffsetAt, credentials } = parseCredentialCache(bytes);
    expect(formatCredentials(credentials[0]!)).toEqual(hex(CREDENTIAL));
    bytes.set(removedTimes(credentials[0]!), entries[1]!.timesOffset);
    bytes.set(formatKdcOffset(86_400_500), kdcOffsetAt);
    const changed = parseCredentialCache(new Uint8Array(Buffer.concat([bytes, hex(CREDENTIAL)])));
    expect(changed.entries.map(({ held }) => ("reason" in held ? held.reason : "kept"))).toEqual([
      "kept",
      "removed",
      "kept",
    ]);
    expect([changed.kdcOffset, changed.config]).toEqual([
      86_400_500,
      parseCredentialCache(hex(GOLDEN)).config,
    ]);
    const removed = CREDENTIAL.replace("69573545", "ffffffff").replace("69573547", "00000000");
    expect(Buffer.from(bytes).toString("hex")).toContain(Buffer.from(hex(removed)).toString("hex"));
  });

  it("rounds times down and refuses those the format cannot hold", () => {
    const good = credentials(20, 1);
    const file = (more: Partial<Credentials>) =>
      formatCredentialCache({ defaultPrincipal: good.client, credentials: [{ ...good, ...more }] });
    expect(parseCredentialCache(file({ endtime: 1_767_323_973_999 })).credentials[0]?.endtime).toBe(
      1_767_323_973_000,
    );
    for (const time of [-1, 2 ** 32 * 1000, Number.NaN])
      expect(() => file({ endtime: time })).toThrow(
        new RangeError(`endtime: expected a time from 1970 to 2106 in ms, got ${time}`),
      );
    const offset = (kdcOffset: number) =>
      formatCredentialCache({ defaultPrincipal: good.client, credentials: [], kdcOffset });
    for (const most of [(2 ** 31 - 1) * 1000, -(2 ** 31 - 1) * 1000])
      expect(parseCredentialCache(offset(most)).kdcOffset).toBe(most);
    for (const beyond of [2 ** 31 * 1000, -(2 ** 31) * 1000, Number.NaN])
      expect(() => offset(beyond)).toThrow(
        new RangeError(`kdcOffset: expected at most 68 years in ms, got ${beyond}`),
      );
  });

  it("reads back what it writes", () => {
    const seconds = fc.integer({ min: 1, max: 2 ** 32 - 2 }).map((value) => value * 1000);
    const credential = fc.record({
      etype: fc.constantFrom(...ETYPES),
      seed: fc.nat(255),
      server: fc.constantFrom("krbtgt/A.TEST@A.TEST", "http/v@A.TEST", "v@B.TEST").map(principal),
      authtime: seconds,
      starttime: seconds,
      endtime: seconds,
      renewTill: fc.option(seconds, { nil: undefined }),
      flags: fc.subarray([
        TicketFlag.FORWARDABLE,
        TicketFlag.RENEWABLE,
        TicketFlag.INITIAL,
        TicketFlag.PRE_AUTHENT,
      ]),
      ticket: fc.uint8Array({ maxLength: 40 }),
    });
    const file = fc.record({
      kdcOffset: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), { nil: undefined }),
      credentials: fc.array(
        credential.map(({ etype, seed, ...rest }) => ({ ...credentials(etype, seed), ...rest })),
        { maxLength: 4 },
      ),
    });
    fc.assert(
      fc.property(file, (given) => {
        const whole = { defaultPrincipal: principal("alice@A.TEST"), config: [], ...given };
        expect(shown(parseCredentialCache(formatCredentialCache(whole)))).toEqual(shown(whole));
      }),
    );
  });

  it("meets any bytes with a cache or a FormatError", () => {
    const whole = hex(GOLDEN);
    const head = hex(HEAD);
    const mutation = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    });
    const onlyFormatErrors = (bytes: Uint8Array) => {
      try {
        parseCredentialCache(bytes);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
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
      fc.property(fc.uint8Array({ maxLength: 300 }), (rest) => onlyFormatErrors(Buffer.concat([head, rest]))),
      {
        numRuns: 2000,
      },
    );
  });
});

describe.skipIf(!hasKlist())("credential cache: MIT's tools", () => {
  it("klist -c reads what we write, every encryption type of it", () => {
    const path = join(root, "cc");
    const servers = [
      "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
      ...ETYPES.map((etype) => `http/v${etype + 9}.a@EXAMPLE.TEST`),
    ];
    const list = servers.map((server, i) => ({
      ...credentials(ETYPES[i % 6] ?? 20, i),
      server: principal(server),
    }));
    const bytes = formatCredentialCache({
      defaultPrincipal: principal("alice@EXAMPLE.TEST"),
      kdcOffset: -1100,
      credentials: list,
      config: [{ name: "fast_avail", server: servers[0], value: Uint8Array.of(121) }],
    });
    writeFileSync(path, bytes, { mode: 0o600 });
    const run = (...flags: string[]) =>
      execFileSync("klist", [...flags, "-c", path], {
        encoding: "utf8",
        env: { ...process.env, TZ: "UTC", LC_ALL: "C" },
      });
    const output = run("-f");
    expect(output).toContain("Default principal: alice@EXAMPLE.TEST");
    for (const server of servers) expect(output).toContain(server);
    expect(output).toContain("Flags: FRIA");
    expect(output).toContain("03:04:05");
    expect(run("-C")).toContain("config: fast_avail(krbtgt/EXAMPLE.TEST@EXAMPLE.TEST) = y");
    expect(shown(parseCredentialCache(bytes)).credentials).toHaveLength(7);
  });
});

function credentials(etype: number, seed: number): Credentials {
  const row = etypeOf(etype);
  const T = Date.UTC(2026, 0, 2, 3, 4, 5);
  return {
    client: principal("alice@EXAMPLE.TEST"),
    server: principal("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST"),
    key: new Key(row, new Uint8Array(row.keySize).fill(seed)),
    ticket: Uint8Array.of(1, 2, 3),
    flags: [TicketFlag.FORWARDABLE, TicketFlag.RENEWABLE, TicketFlag.INITIAL, TicketFlag.PRE_AUTHENT],
    authtime: T,
    starttime: T,
    endtime: T + 36_000_000,
    renewTill: T + 604_800_000,
  };
}

function hasKlist(): boolean {
  try {
    execFileSync("sh", ["-c", "command -v klist"]);
    return true;
  } catch {
    return false;
  }
}
