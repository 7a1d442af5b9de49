import { beforeAll, describe, expect, it } from "vitest";
import { local } from "../in-process.js";
import { onDisk } from "../on-disk.js";
import { NOON } from "../served.js";

const shell = onDisk();

describe("kadmin getprinc", () => {
  beforeAll(() => shell.run("kadmin addprinc --password-stdin --max-life 1h alice", "apple"));

  it("shows everything of a principal but its keys", async () => {
    const { code, stdout, stderr } = await shell.run("kadmin getprinc alice");
    expect([code, stderr]).toEqual([0, ""]);
    const noon = local(NOON);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((row) => row.split(/: +/)),
    ).toEqual([
      ["Principal", "alice@EXAMPLE.TEST"],
      ["Kind", "password"],
      ["State", "active"],
      ["Expires", "never"],
      ["Password expires", "never"],
      ["Longest ticket", "1h"],
      ["Renewable for", "the realm's limit"],
      ["Created", noon],
      ["Modified", noon],
      ["Keys changed", noon],
      ["Logins since", noon],
      ["Key", "kvno 1, des-cbc-md5 (weak)"],
      ["Last login", "none known"],
      ["Last failure", "none known"],
      ["Failures", "0 since the last login"],
    ]);
  });

  it("gives the same as JSON, without salt or key", async () => {
    expect(JSON.parse((await shell.run("kadmin getprinc --json alice")).stdout)).toEqual({
      principal: "alice@EXAMPLE.TEST",
      kind: "password",
      disabled: false,
      maxLifeMs: 3_600_000,
      created: "2026-03-01T12:00:00.000Z",
      modified: "2026-03-01T12:00:00.000Z",
      keysChanged: "2026-03-01T12:00:00.000Z",
      tgtsFrom: "2026-03-01T12:00:00.000Z",
      kvno: 1,
      keys: [{ kvno: 1, etype: "des-cbc-md5", weak: true }],
      failedLogins: 0,
    });
  });

  it.each([
    [
      "there is none of that name",
      "nobody",
      "tessera: there is no principal nobody@EXAMPLE.TEST\nhint: `tessera kadmin listprincs` lists them\n",
    ],
    [
      "it is of another realm",
      "alice@ELSEWHERE.TEST",
      "tessera: alice@ELSEWHERE.TEST is not of this realm, EXAMPLE.TEST\n",
    ],
  ])("fails where %s", async (_, name, stderr) => {
    expect(await shell.run(`kadmin getprinc ${name}`)).toEqual({ code: 1, stdout: "", stderr });
  });

  it("is used wrongly with a name that is none", async () => {
    const { code, stderr } = await shell.run("kadmin getprinc a//b");
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^tessera: kadmin getprinc: principal: not a principal of the form .*\ntessera: up to four components/,
    );
  });
});
