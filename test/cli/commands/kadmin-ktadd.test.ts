import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseKeytab } from "../../../src/formats/keytab.js";
import { etypesOf, getPrincipal, onDisk } from "../on-disk.js";

const shell = onDisk();
const [AES256, AES128] = ["aes256-cts-hmac-sha384-192", "aes128-cts-hmac-sha256-128"];
const keytab = (name: string) =>
  parseKeytab(readFileSync(shell.file(name))).map(({ principal, kvno }) => `${principal} ${kvno}`);

describe("kadmin ktadd", () => {
  it("makes new keys and writes them with the old ones", async () => {
    expect(await shell.run("kadmin ktadd -k ./v.keytab v/localhost")).toEqual({
      code: 0,
      stdout:
        "v/localhost@EXAMPLE.TEST, kvno 2, des-cbc-md5: written to ./v.keytab\n" +
        "v/localhost@EXAMPLE.TEST, kvno 1, des-cbc-md5: written to ./v.keytab\n",
      stderr: "",
    });
    expect(statSync(shell.file("v.keytab")).mode & 0o777).toBe(0o600);
    expect(keytab("v.keytab")).toEqual(["v/localhost@EXAMPLE.TEST 2", "v/localhost@EXAMPLE.TEST 1"]);
  });

  it("writes the present keys with -norandkey, beside those of others", async () => {
    await shell.run("kadmin addprinc -randkey db/localhost");
    const { stdout } = await shell.run("kadmin ktadd -norandkey --json -k ./v.keytab db/localhost");
    expect(JSON.parse(stdout)).toEqual({
      keytab: "FILE:./v.keytab",
      written: [
        { principal: "db/localhost@EXAMPLE.TEST", kvno: 1, keys: [{ kvno: 1, etype: "des-cbc-md5" }] },
      ],
    });
    expect((await getPrincipal(shell, "db/localhost")).kvno).toBe(1);
    expect(keytab("v.keytab").sort()).toEqual([
      "db/localhost@EXAMPLE.TEST 1",
      "v/localhost@EXAMPLE.TEST 1",
      "v/localhost@EXAMPLE.TEST 2",
    ]);
  });

  it("makes keys of the types that the principal has and the realm permits, or that -e names", async () => {
    await shell.run("kadmin addprinc -randkey -e aes128,des mixed");
    await shell.run("kadmin addprinc -randkey old");
    await shell.run("realm set-profile standard");
    await shell.run("kadmin ktadd -k ./new.keytab mixed old");
    expect([await etypesOf(shell, "mixed"), await etypesOf(shell, "old")]).toEqual([
      [AES128],
      [AES256, AES128],
    ]);
    await shell.run("kadmin ktadd -e aes256 -k ./new.keytab mixed");
    expect(await etypesOf(shell, "mixed")).toEqual([AES256]);
    expect(await shell.run("kadmin ktadd -e des -k ./new.keytab mixed")).toEqual({
      code: 1,
      stdout: "",
      stderr: `tessera: the profile standard does not permit des-cbc-md5\nhint: it permits ${AES256}, ${AES128}\n`,
    });
    await shell.run("realm set-profile textbook");
  });

  it("takes the keytab of the environment", async () => {
    shell.env.TESSERA_KEYTAB = `FILE:${shell.file("env.keytab")}`;
    await shell.run("kadmin ktadd -norandkey v/localhost");
    shell.env.TESSERA_KEYTAB = undefined;
    expect(keytab("env.keytab")[0]).toBe("v/localhost@EXAMPLE.TEST 2");
  });

  it.each([
    ["the TGS", "-k ./x krbtgt/EXAMPLE.TEST", /: the TGS's keys stay in the realm's database\n$/],
    [
      "a user",
      "-norandkey -k ./x alice",
      /alice@EXAMPLE\.TEST has a password: .*\nhint: a service needs a principal of its own/,
    ],
    ["one that is not there", "-k ./x nobody", /^tessera: there is no principal nobody@/],
    ["a keytab in no folder", "-k ./none/x v/localhost", /none\/x: .*\nhint: no key was changed\n$/],
  ])("fails for %s, and changes nothing", async (_, words, text) => {
    await shell.run("kadmin addprinc --password-stdin alice", "apple");
    const before = await getPrincipal(shell, "v/localhost");
    const { code, stdout, stderr } = await shell.run(`kadmin ktadd ${words}`);
    expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(text)]);
    expect(await getPrincipal(shell, "v/localhost")).toEqual(before);
  });

  it.each([
    ["no keytab", "v/localhost", "which keytab? -k FILE, or TESSERA_KEYTAB"],
    ["types for present keys", "-norandkey -e des -k ./x v/localhost", "-e chooses new keys"],
    ["a name that is none", "-k ./x v/localhost a@lower", "principal: not a principal of the form"],
  ])("is used wrongly with %s", async (_, words, text) => {
    const { code, stderr } = await shell.run(`kadmin ktadd ${words}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});
