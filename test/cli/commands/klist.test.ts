import { writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
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
      { error: { text: "nobody is logged in: there is no FILE:./cc", hint: "run `tessera kinit`" } },
    ]);
  });

  it("is silent with -s", async () => {
    expect(await shell.run("klist -s")).toEqual({ code: 1, stdout: "", stderr: "" });
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
        "tessera: the cache holds no ticket for db/localhost@EXAMPLE.TEST\nhint: get one: tessera kvno db/localhost\n",
    });
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
    const { code, stderr } = await shell.run("klist -c ./junk");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^tessera: \.\/junk: .*kdestroy/)]);
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
