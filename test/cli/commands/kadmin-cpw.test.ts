import { describe, expect, it } from "vitest";
import { etypesOf, getPrincipal, onDisk } from "../on-disk.js";

const shell = onDisk();
const [AES256, AES128, DES] = ["aes256-cts-hmac-sha384-192", "aes128-cts-hmac-sha256-128", "des-cbc-md5"];

describe("kadmin cpw", () => {
  it("changes a password; of the old one nothing stays", async () => {
    await shell.run("kadmin addprinc --password-stdin alice", "one");
    expect(await shell.run("kadmin cpw --password-stdin alice", "two\n")).toEqual({
      code: 0,
      stdout: "alice@EXAMPLE.TEST: new password, kvno 2\n",
      stderr: "",
    });
    expect((await getPrincipal(shell, "alice")).keys.map(({ kvno }) => kvno)).toEqual([2]);
  });

  it("makes new random keys and keeps the old version", async () => {
    await shell.run("kadmin addprinc -randkey db/localhost");
    expect(await shell.run("kadmin cpw -randkey db/localhost")).toEqual({
      code: 0,
      stdout:
        "db/localhost@EXAMPLE.TEST: new keys, kvno 2\n" +
        "its keytab: tessera kadmin ktadd -norandkey -k FILE db/localhost\n",
      stderr: "",
    });
    expect((await getPrincipal(shell, "db/localhost")).keys.map(({ kvno }) => kvno)).toEqual([2, 1]);
  });

  it("keeps the encryption types that the realm permits, unless -e names others", async () => {
    await shell.run("kadmin addprinc -randkey -e aes128,des db");
    await shell.run("kadmin addprinc --password-stdin -e aes128,des carol", "one");
    await shell.run("kadmin cpw -randkey db");
    await shell.run("kadmin cpw --password-stdin carol", "two");
    expect([await etypesOf(shell, "db"), await etypesOf(shell, "carol")]).toEqual([
      [AES128, DES],
      [AES128, DES],
    ]);
    await shell.run("realm set-profile standard");
    await shell.run("kadmin cpw -randkey db");
    expect(await etypesOf(shell, "db")).toEqual([AES128]);
    await shell.run("kadmin cpw -randkey -e aes256 db");
    expect(await etypesOf(shell, "db")).toEqual([AES256]);
    await shell.run("realm set-profile textbook");
  });

  it("rotates the keys of the TGS, which goes into no keytab, and gives it no password", async () => {
    const { stdout } = await shell.run("kadmin cpw -randkey krbtgt/EXAMPLE.TEST");
    expect(stdout).toBe("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST: new keys, kvno 2\n");
    expect(await shell.run("kadmin cpw --password-stdin krbtgt/EXAMPLE.TEST", "x")).toEqual({
      code: 1,
      stdout: "",
      stderr: "tessera: the realm's TGS has random keys, never a password\nhint: use -randkey\n",
    });
  });

  it("gives JSON", async () => {
    const { stdout } = await shell.run("kadmin cpw --json -randkey v/localhost");
    expect(JSON.parse(stdout)).toMatchObject({ principal: "v/localhost@EXAMPLE.TEST", kvno: 2 });
  });

  it("says in its help what the types are otherwise", async () => {
    const { stdout } = await shell.run("kadmin cpw --help");
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(
      "by default those of its present keys that the realm permits",
    );
  });

  it.each([
    ["a password for random keys", "-randkey --password-stdin alice", "-randkey goes with no password"],
    ["a name that is none", "-randkey a@", "principal: not a principal of the form"],
  ])("is used wrongly with %s", async (_, words, text) => {
    const { code, stderr } = await shell.run(`kadmin cpw ${words}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});
