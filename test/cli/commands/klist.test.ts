import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { fileCache } from "../../../src/client/file-credential-cache.js";
import { parseCredentialCache } from "../../../src/formats/ccache.js";
import { formatCredentials } from "../../../src/formats/ccache-credential.js";
import type { Credentials } from "../../../src/protocol/credentials.js";
import { etypeOf } from "../../../src/protocol/etypes.js";
import { Key } from "../../../src/protocol/keys.js";
import type { Principal } from "../../../src/protocol/principal.js";
import { local } from "../in-process.js";
import { NOON, served } from "../served.js";

const tests = served();
const { shell } = tests;
const HOUR = 3_600_000;
const TGT = "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST";

describe("klist without a login", () => {
  it("says that nobody is logged in, and what to do", async () => {
    expect(await shell.run("klist")).toEqual({
      code: 1,
      stdout: "",
      stderr: "tessera: nobody is logged in: there is no FILE:./cc\nhint: run `tessera kinit`\n",
    });
    const { code, stdout } = await shell.run("klist --json");
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      {
        error: {
          reason: "not-logged-in",
          text: "nobody is logged in: there is no FILE:./cc",
          hint: "run `tessera kinit`",
        },
      },
    ]);
  });

  it("is silent with -s, whatever is wrong", async () => {
    expect(await shell.run("klist -s")).toEqual({ code: 1, stdout: "", stderr: "" });
    writeFileSync(shell.file("notes"), "notes", { mode: 0o600 });
    expect(await shell.run("klist -s -c ./notes")).toEqual({ code: 1, stdout: "", stderr: "" });
    expect(await shell.run("klist -s -c ./")).toEqual({ code: 1, stdout: "", stderr: "" });
  });

  it.each([
    ["-a", "tickets hold no addresses"],
    ["-A", "name it with -c FILE"],
    ["-ke -K", "keys are never shown"],
    ["-efa", "tickets hold no addresses"],
  ])("says of MIT's %s what to do instead", async (letters, text) => {
    const { code, stderr } = await shell.run(`klist ${letters}`);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/klist: there is no option -[aAK] here: /)]);
    expect(stderr).toContain(text);
  });
});

describe("klist", () => {
  beforeAll(async () => {
    await tests.login("alice", "-l 1h -r 2d");
    await shell.run("kvno v/localhost");
  });

  it("lists the tickets of the cache", async () => {
    const [begin, end, till] = [NOON, NOON + HOUR, NOON + 48 * HOUR].map(local);
    expect(await shell.run("klist")).toEqual({
      code: 0,
      stdout: [
        "Ticket cache: FILE:./cc",
        "Default principal: alice@EXAMPLE.TEST",
        "",
        "Valid starting       Expires              Service principal",
        `${begin}  ${end}  ${TGT}`,
        `\trenew until ${till}`,
        `${begin}  ${end}  v/localhost@EXAMPLE.TEST`,
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  it("shows flags and encryption types when asked to", async () => {
    const { stdout } = await shell.run("klist -e -f");
    expect(stdout).toMatch(
      /, Flags: RIA\n\tEtype \(skey, tkt\): des-cbc-md5, des-cbc-md5; kvno 1, \d+ bytes\n.*v\/localhost.*\n\tFlags: A\n/,
    );
  });

  it("gives the same as JSON", async () => {
    expect(JSON.parse((await shell.run("klist --json")).stdout)).toMatchObject({
      cache: "FILE:./cc",
      client: "alice@EXAMPLE.TEST",
      kdcOffsetMs: 0,
      tickets: [
        {
          server: TGT,
          renewTill: "2026-03-03T12:00:00.000Z",
          flags: ["renewable", "initial", "pre-authent"],
        },
        { server: "v/localhost@EXAMPLE.TEST", endtime: "2026-03-01T13:00:00.000Z", kvno: 1 },
      ],
    });
  });

  it("prints a ticket, and says how to get one that is not there", async () => {
    const { code, stdout } = await shell.run("klist -T v/localhost");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^[A-Za-z0-9+/]{100,}=*\n$/)]);
    expect(await shell.run("klist -T db/localhost")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "tessera: the cache holds no ticket for db/localhost@EXAMPLE.TEST\nhint: get one: tessera kvno " +
        "db/localhost\n",
    });
  });

  it("tells with -s of the ticket-granting ticket, if there is one, and otherwise of any ticket", async () => {
    const held = (await fileCache(shell.file("cc")).load())!;
    const [tgt, ticket] = held.credentials as [Credentials, Credentials];
    const code = async (...credentials: Credentials[]) => {
      await fileCache(shell.file("made")).store({ ...held, credentials });
      return (await shell.run("klist -s -c ./made")).code;
    };
    const ended = { ...tgt, endtime: NOON - 1 };
    expect(await code(tgt)).toBe(0);
    expect(await code(ended, ticket)).toBe(1);
    expect(await code(ticket)).toBe(0);
  });

  it("tells with -s whether a login is valid, by the KDC's clock", async () => {
    expect((await shell.run("klist -s")).code).toBe(0);
    tests.realm.advance("1h");
    expect(await shell.run("klist -s")).toEqual({ code: 1, stdout: "", stderr: "" });
    expect((await shell.run("klist")).stdout).toContain(">>> Expired <<<");
    tests.realm.advance("-1h");
  });

  it("says by how much the KDC's clock differs", async () => {
    const now = shell.now;
    shell.now = () => now() - 90_000;
    await tests.login("bob", "-c ./other");
    shell.now = now;
    expect((await shell.run("klist -c ./other")).stdout).toContain("\nKDC's clock: 1m30s ahead of ours\n");
  });

  it("refuses a file that is no cache, and leaves it as it is", async () => {
    writeFileSync(shell.file("junk"), "junk", { mode: 0o600 });
    expect(await shell.run("klist -c ./junk")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "tessera: ./junk: is not a credential cache\n" +
        "hint: name another: -c FILE, or TESSERA_CCACHE; this file stays as it is\n",
    });
  });
});

// A cache that MIT's kinit had used too: klist -e stopped at the first ticket that is none of ours, and
// showed no more.
describe("klist of a cache that others use too", () => {
  const DES = "des-cbc-md5";
  beforeAll(async () => {
    await tests.login("alice", "-c ./own");
    const own = readFileSync(shell.file("own"));
    const { credentials } = parseCredentialCache(own);
    const mits = { ...credentials[0]!, server: "HTTP/mit@EXAMPLE.TEST" as Principal, renewTill: undefined };
    const ticket = Buffer.from("6103020105", "hex");
    const parts = [
      { ...mits, ticket },
      {
        ...mits,
        ticket,
        key: new Key(etypeOf(20), new Uint8Array(32)),
        server: "HTTP/old@EXAMPLE.TEST" as Principal,
      },
      { ...mits, server: "HTTP/x@EXAMPLE.TEST" as Principal },
      { ...mits, client: "bob@EXAMPLE.TEST" as Principal },
    ].map((one) => Buffer.from(formatCredentials(one)));
    parts[1]!.writeInt16BE(18, parts[1]!.indexOf(Buffer.alloc(32)) - 6);
    parts[2]!.write(" ", parts[2]!.indexOf("\x01x") + 1);
    const end = own.length - formatCredentials(credentials[0]!).length;
    writeFileSync(
      shell.file("mixed"),
      Buffer.concat([own.subarray(0, end), ...parts, own.subarray(end), own.subarray(end, end + 30)]),
      { mode: 0o600 },
    );
  });

  it("shows them all, with a word on those that are not for use here", async () => {
    const { code, stdout, stderr } = await shell.run("klist -e -f -c ./mixed");
    expect([code, stderr]).toEqual([0, "tessera: ./mixed: the end of the file cuts its last ticket short\n"]);
    const lines = stdout.split("\n").slice(4, -1);
    const end = lines.map((line) => line.replace(/^[-0-9: ]* {2}(?=\S.*@)/, ""));
    expect(end).toEqual([
      "HTTP/mit@EXAMPLE.TEST",
      "\tFlags: IA",
      `\tEtype (skey, tkt): ${DES}, unknown; 5 bytes`,
      "\tNot for use here: a ticket of another system",
      "HTTP/old@EXAMPLE.TEST",
      "\tFlags: IA",
      "\tEtype (skey, tkt): etype 18, unknown; 5 bytes",
      "\tNot for use here: etype 18 is not supported here",
      "HTTP/ @EXAMPLE.TEST",
      "\tFlags: IA",
      expect.stringMatching(/^\tEtype \(skey, tkt\): des-cbc-md5, unknown; \d+ bytes$/),
      "\tNot for use here: its name is not allowed here",
      "HTTP/mit@EXAMPLE.TEST",
      "\tFlags: IA",
      expect.stringMatching(/^\tEtype \(skey, tkt\): des-cbc-md5, unknown; \d+ bytes$/),
      "\tNot for use here: a ticket of bob@EXAMPLE.TEST",
      TGT,
      "\tFlags: IA",
      expect.stringMatching(/^\tEtype \(skey, tkt\): des-cbc-md5, des-cbc-md5; kvno 1, \d+ bytes$/),
    ]);
  });

  it("gives the same as JSON, and the tickets of this system as always", async () => {
    const { tickets } = JSON.parse((await shell.run("klist --json -c ./mixed")).stdout);
    expect(tickets).toHaveLength(5);
    expect(tickets[0]).toEqual({
      client: "alice@EXAMPLE.TEST",
      server: "HTTP/mit@EXAMPLE.TEST",
      starttime: "2026-03-01T12:00:00.000Z",
      endtime: "2026-03-01T22:00:00.000Z",
      flags: ["initial", "pre-authent"],
      etypes: { session: DES },
      bytes: 5,
      unusable: "a ticket of another system",
    });
    expect(tickets[4]).toMatchObject({ server: TGT, kvno: 1, etypes: { session: DES, ticket: DES } });
    expect(tickets[4]).not.toHaveProperty("unusable");
  });

  it("is no obstacle to a new ticket, which goes beside what is there", async () => {
    expect(await shell.run("kvno -c ./mixed v/localhost")).toEqual({
      code: 0,
      stdout: "v/localhost@EXAMPLE.TEST: kvno = 1\n",
      stderr: "",
    });
    const { tickets } = JSON.parse((await shell.run("klist --json -c ./mixed")).stdout);
    expect(tickets.map(({ server }: { server: string }) => server).slice(4)).toEqual([
      TGT,
      "v/localhost@EXAMPLE.TEST",
    ]);
    expect(tickets).toHaveLength(6);
  });

  it("shows whose cache it is where the name is none here, too", async () => {
    const mixed = readFileSync(shell.file("mixed"));
    mixed.write("al ce", mixed.indexOf("alice"));
    writeFileSync(shell.file("strange"), mixed, { mode: 0o600 });
    const { code, stdout } = await shell.run("klist -c ./strange");
    expect([code, stdout]).toEqual([0, expect.stringContaining("Default principal: al ce@EXAMPLE.TEST\n")]);
  });
});

describe("klist -k of a keytab that others use too", () => {
  beforeAll(async () => {
    const own = Buffer.from(await tests.realm.keytab("v/localhost"));
    const foreign = Buffer.from(own.subarray(2));
    foreign.writeInt16BE(18, foreign.length - 4 - 8 - 4);
    const weak = Buffer.from(own.subarray(2));
    weak.fill(1, weak.length - 12, weak.length - 4);
    const strange = Buffer.from(own.subarray(2));
    strange.write(" ", strange.indexOf("localhost"));
    const parts = [own, foreign, weak, strange, Buffer.from([0, 0, 0, 2, 0xff, 0xff])];
    writeFileSync(shell.file("mixed.keytab"), Buffer.concat(parts), { mode: 0o600 });
  });

  it("shows their keys as what they are", async () => {
    const { code, stdout, stderr } = await shell.run("klist -k -e ./mixed.keytab");
    expect([code, stderr]).toEqual([0, "tessera: ./mixed.keytab: passed over an entry that is not whole\n"]);
    expect(stdout.split("\n").slice(3, -1)).toEqual([
      "   1  v/localhost@EXAMPLE.TEST (des-cbc-md5)",
      "   1  v/localhost@EXAMPLE.TEST (etype 18), not for use here: its encryption type",
      expect.stringMatching(/^ {3}1 {2}v\/localhost@EXAMPLE.TEST \(des-cbc-md5\), not for use here: .*weak/),
      "   1  v/ ocalhost@EXAMPLE.TEST (des-cbc-md5), not for use here: its name",
    ]);
  });

  it("gives the same as JSON", async () => {
    const { entries } = JSON.parse((await shell.run("klist -k --json ./mixed.keytab")).stdout);
    expect(entries.map(({ etype, unusable }: Record<string, string>) => [etype, unusable])).toEqual([
      ["des-cbc-md5", undefined],
      ["etype 18", "its encryption type"],
      ["des-cbc-md5", expect.stringContaining("weak")],
      ["des-cbc-md5", "its name"],
    ]);
  });
});

describe("klist -k", () => {
  beforeAll(async () => {
    writeFileSync(shell.file("v.keytab"), await tests.realm.keytab("v/localhost"), { mode: 0o600 });
  });

  it("lists the keys of a keytab, never the keys themselves", async () => {
    expect(await shell.run("klist -k -e -t ./v.keytab")).toEqual({
      code: 0,
      stdout: [
        "Keytab name: FILE:./v.keytab",
        "KVNO  Timestamp            Principal",
        `----  -------------------  ${"-".repeat(40)}`,
        `   1  ${local(NOON)}  v/localhost@EXAMPLE.TEST (des-cbc-md5)`,
        "",
      ].join("\n"),
      stderr: "",
    });
  });

  it("takes the keytab of the environment, and gives JSON", async () => {
    shell.env.TESSERA_KEYTAB = shell.file("v.keytab");
    const { stdout } = await shell.run("klist -k --json");
    shell.env.TESSERA_KEYTAB = undefined;
    expect(JSON.parse(stdout)).toEqual({
      keytab: "FILE:./v.keytab",
      entries: [
        {
          kvno: 1,
          principal: "v/localhost@EXAMPLE.TEST",
          etype: "des-cbc-md5",
          written: "2026-03-01T12:00:00.000Z",
        },
      ],
    });
  });

  it.each([
    ["no keytab", "klist -k", /^tessera: no keytab is named\nhint: give one: klist -k FILE/],
    ["a missing one", "klist -k ./none", /^tessera: \.\/none: no such file.*\nhint: check the path\n$/],
  ])("fails with %s", async (_, line, text) => {
    const { code, stderr } = await shell.run(line);
    expect([code, stderr]).toEqual([1, expect.stringMatching(text)]);
  });

  it("is used wrongly with an option that it does not have", async () => {
    const { code, stderr } = await shell.run("klist --etype");
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^tessera: klist: .*did you mean --etypes\?\n/),
    ]);
  });
});
