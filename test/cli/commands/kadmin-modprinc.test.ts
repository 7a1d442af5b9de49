import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_ATTEMPT_LIMITS } from "../../../src/protocol/attempt-limits.js";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { LoginAttempts } from "../../../src/store/attempts/login-attempts.js";
import { getPrincipal, onDisk } from "../on-disk.js";
import { NOON } from "../served.js";

const BOB = parsePrincipal("bob@EXAMPLE.TEST", "bob");
const shell = onDisk();
const rows = async () => (await shell.run("kadmin getprinc bob")).stdout.split("\n").slice(3, 7);

describe("kadmin modprinc", () => {
  beforeAll(() => shell.run("kadmin addprinc -randkey bob"));

  it("gives a principal limits of its own, and takes them back with none", async () => {
    const changed = { code: 0, stdout: "bob@EXAMPLE.TEST changed\n", stderr: "" };
    const limits = "--expire 2030-01-31 --pw-expire 2030-02-28 --max-life 1h --max-renewable-life 2d";
    expect(await shell.run(`kadmin modprinc ${limits} bob`)).toEqual(changed);
    expect(await rows()).toEqual([
      "Expires:           2030-01-31 00:00:00",
      "Password expires:  2030-02-28 00:00:00",
      "Longest ticket:    1h",
      "Renewable for:     2d",
    ]);
    const none = limits.replaceAll(/(--\S+) \S+/g, "$1 none");
    expect(await shell.run(`kadmin modprinc ${none} bob`)).toEqual(changed);
    expect(await rows()).toEqual([
      "Expires:           never",
      "Password expires:  never",
      "Longest ticket:    the realm's limit",
      "Renewable for:     the realm's limit",
    ]);
  });

  it("disables and enables", async () => {
    await shell.run("kadmin modprinc --disable bob");
    expect((await shell.run("kadmin getprinc bob")).stdout).toMatch(/^State: +disabled$/m);
    const { stdout } = await shell.run("kadmin modprinc --enable --json bob");
    expect(JSON.parse(stdout)).toMatchObject({ principal: "bob@EXAMPLE.TEST", disabled: false });
  });

  it("takes spans from now on, and MIT's names of the options", async () => {
    await shell.run("kadmin modprinc -pwexpire now -maxlife 2:30:00 bob");
    expect(await getPrincipal(shell, "bob")).toMatchObject({
      passwordExpires: "2026-03-01T12:00:00.000Z",
      maxLifeMs: 9_000_000,
    });
    await shell.run("kadmin modprinc --expire 30d bob");
    expect(await getPrincipal(shell, "bob")).toMatchObject({ expires: "2026-03-31T12:00:00.000Z" });
  });

  it("fails where there is none of that name", async () => {
    const { code, stderr } = await shell.run("kadmin modprinc --disable nobody");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^tessera: there is no principal nobody@/)]);
  });

  it.each([
    ["nothing to change", "bob", "nothing to change; see the options"],
    ["a name that is none", "--disable .a", "principal: not a principal of the form"],
    ["a life that is none", "--max-life long bob", "--max-life: expected a time such as 10h"],
  ])("is used wrongly with %s", async (_, words, text) => {
    const { code, stderr } = await shell.run(`kadmin modprinc ${words}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});

describe.each([
  ["--unlock", NOON + 1_000],
  ["-unlock", NOON + 2_000],
])("kadmin modprinc %s", (option, now) => {
  it("forgets the failed logins that getprinc shows", async () => {
    shell.now = () => now;
    const attempts = await LoginAttempts.open(join(shell.env.TESSERA_REALM_DIR!, "attempts"));
    try {
      const begin = (peer: string) => attempts.begin(BOB, peer, DEFAULT_ATTEMPT_LIMITS, now);
      begin("192.0.2.1").succeeded();
      for (let i = 0; i < 20; i++) begin("198.51.100.1").failed(Buffer.from(`${option} ${i}`));
      expect(begin("198.51.100.1").waitMs).toBe(60_000);
      const { stdout } = await shell.run("kadmin getprinc bob");
      expect(stdout).toMatch(
        /\nLast login: +2026-.*\nLast failure: +2026-.*\nFailures: +10 since the last login\n$/,
      );
      expect(JSON.parse((await shell.run("kadmin getprinc --json bob")).stdout)).toMatchObject({
        lastLogin: new Date(now).toISOString(),
        lastFailedLogin: new Date(now).toISOString(),
        failedLogins: 10,
      });
      expect(await shell.run(`kadmin modprinc ${option} bob`)).toMatchObject({ code: 0, stderr: "" });
      expect((await shell.run("kadmin getprinc bob")).stdout).toMatch(
        /\nFailures: +0 since the last login\n$/,
      );
      expect(begin("198.51.100.1").waitMs).toBe(0);
      expect(await shell.run(`kadmin modprinc ${option} nobody`)).toMatchObject({ code: 1, stdout: "" });
    } finally {
      attempts.close();
    }
  });
});
