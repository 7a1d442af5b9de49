import { describe, expect, it } from "vitest";
import { getPrincipal, onDisk } from "../on-disk.js";

const shell = onDisk();

describe("kadmin addprinc", () => {
  it("adds a user with a password", async () => {
    expect(await shell.run("kadmin addprinc --password-stdin alice", "apple\n")).toEqual({
      code: 0,
      stdout: "alice@EXAMPLE.TEST added, des-cbc-md5\n",
      stderr: "",
    });
    expect(await getPrincipal(shell, "alice")).toMatchObject({ kind: "password", kvno: 1, disabled: false });
  });

  it("adds a service with random keys of the types named, and says how to write its keytab", async () => {
    expect(await shell.run("kadmin addprinc -randkey -e aes256,aes128 db/localhost")).toEqual({
      code: 0,
      stdout:
        "db/localhost@EXAMPLE.TEST added, aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha256-128\n" +
        "its keytab: tessera kadmin ktadd -norandkey -k FILE db/localhost\n",
      stderr: "",
    });
    expect((await getPrincipal(shell, "db/localhost")).kind).toBe("random key");
  });

  it("adds one with limits, and gives it as JSON", async () => {
    const line = "kadmin addprinc --json -randkey --disable --expire 2030-01-31 --max-life 1h carol";
    expect(JSON.parse((await shell.run(line)).stdout)).toMatchObject({
      principal: "carol@EXAMPLE.TEST",
      disabled: true,
      expires: new Date(2030, 0, 31).toISOString(),
      maxLifeMs: 3_600_000,
      created: "2026-03-01T12:00:00.000Z",
      keys: [{ kvno: 1, etype: "des-cbc-md5", weak: true }],
    });
  });

  it("leaves one that is there, and asks for no password first", async () => {
    await shell.run("kadmin addprinc -randkey bob");
    for (const words of ["-randkey bob", "bob"]) {
      const { code, stdout, stderr } = await shell.run(`kadmin addprinc ${words}`);
      expect([code, stdout]).toEqual([1, ""]);
      expect(stderr).toMatch(/^tessera: bob@EXAMPLE\.TEST exists already\nhint: /);
    }
    const { stdout } = await shell.run("kadmin addprinc --json -randkey bob");
    expect(JSON.parse(stdout)).toMatchObject({ error: { reason: "exists" } });
  });

  it("refuses an encryption type that the profile does not permit", async () => {
    await shell.run("realm create --dir ./strong --profile standard");
    expect(await shell.run("kadmin addprinc --dir ./strong -randkey -e des dave")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "tessera: the profile standard does not permit des-cbc-md5\n" +
        "hint: it permits aes256-cts-hmac-sha384-192, aes128-cts-hmac-sha256-128\n",
    });
  });

  it.each([
    ["a password for random keys", "-randkey --password-stdin x", "-randkey goes with no password"],
    ["both --disable and --enable", "-randkey --disable --enable x", "--disable and --enable: choose one"],
    ["a date that is none", "-randkey --expire 2030-13-01 x", "--expire: expected a date such as 2027-01-31"],
    [
      "a name that is none",
      "-randkey a/b/c/d/e",
      "principal: not a principal of the form primary/instance@REALM",
    ],
    ["a password as an option", "-pw hunter2 x", "use --password-file FILE or --password-stdin"],
    ["a password as an argument", "x hunter2", "a password is never taken from the command line"],
  ])("is used wrongly with %s", async (_, words, text) => {
    const { code, stdout, stderr } = await shell.run(`kadmin addprinc ${words}`);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(text)]);
    expect(stderr).not.toContain("hunter2");
  });
});
