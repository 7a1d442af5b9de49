/** The principals' commands, on a realm of their own and no server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Shell } from "./command.js";

const shell = new Shell();
beforeAll(async () => {
  await shell.run("realm create");
});
afterAll(() => shell.remove());

describe("new keys", () => {
  /** The encryption types of the principal's newest keys. */
  const etypes = async (principal: string) => {
    const { stdout } = await shell.run(`kadmin getprinc --json ${principal}`);
    const { kvno, keys } = JSON.parse(stdout) as { kvno: number; keys: { kvno: number; etype: string }[] };
    return keys.filter((key) => key.kvno === kvno).map(({ etype }) => etype);
  };

  it("have the encryption types of the present ones that the realm permits, unless -e names others", async () => {
    const [aes256, aes128] = ["aes256-cts-hmac-sha384-192", "aes128-cts-hmac-sha256-128"];
    await shell.run("kadmin addprinc -randkey -e aes128,des db");
    await shell.run("kadmin addprinc --password-stdin -e aes128,des carol", "one\n");
    await shell.run("kadmin addprinc -randkey old");
    await shell.run("kadmin ktadd -k db.keytab db");
    expect(await etypes("db")).toEqual([aes128, "des-cbc-md5"]);
    await shell.run("kadmin cpw -randkey db");
    expect(await etypes("db")).toEqual([aes128, "des-cbc-md5"]);
    await shell.run("kadmin cpw --password-stdin carol", "two\n");
    expect(await etypes("carol")).toEqual([aes128, "des-cbc-md5"]);
    await shell.run("realm set-profile standard");
    await shell.run("kadmin ktadd -k db.keytab db old");
    expect(await etypes("db")).toEqual([aes128]);
    expect(await etypes("old")).toEqual([aes256, aes128]);
    const refused = await shell.run("kadmin ktadd -e des -k db.keytab db");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      "tessera: the profile standard does not permit des-cbc-md5\n" +
        `hint: it permits ${aes256}, ${aes128}\n`,
    ]);
    await shell.run("kadmin ktadd -e aes256 -k db.keytab db");
    expect(await etypes("db")).toEqual([aes256]);
    await shell.run("realm set-profile textbook");
  });

  it.each(["cpw", "ktadd"])("are explained by kadmin %s --help", async (command) => {
    const { stdout } = await shell.run(`kadmin ${command} --help`);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("otherwise those it has that the realm permits");
  });
});

describe("a limit", () => {
  const rows = async () => (await shell.run("kadmin getprinc bob")).stdout.split("\n").slice(3, 7);

  it("is a principal's own until none takes it back", async () => {
    await shell.run("kadmin addprinc -randkey bob");
    const limits = ["--expire", "--pw-expire", "--max-life", "--max-renewable-life"];
    const own = ["2030-01-31", "2030-02-28", "1h", "2d"];
    await shell.run(`kadmin modprinc ${limits.map((limit, i) => `${limit} ${own[i]}`).join(" ")} bob`);
    expect(await rows()).toEqual([
      "Expires:           2030-01-31 00:00:00",
      "Password expires:  2030-02-28 00:00:00",
      "Longest ticket:    1h",
      "Renewable for:     2d",
    ]);
    const { code } = await shell.run(
      `kadmin modprinc ${limits.map((limit) => `${limit} none`).join(" ")} bob`,
    );
    expect(code).toBe(0);
    expect(await rows()).toEqual([
      "Expires:           never",
      "Password expires:  never",
      "Longest ticket:    the realm's limit",
      "Renewable for:     the realm's limit",
    ]);
  });
});

describe("a principal", () => {
  it.each([
    "addprinc -randkey a/b/c/d/e",
    "getprinc a//b",
    "modprinc --disable .a",
    "delprinc ../a",
    "cpw -randkey a@",
    "ktadd -k new.keytab v/localhost a@lower",
  ])("that is none is wrong usage: kadmin %s", async (line) => {
    const { code, stdout, stderr } = await shell.run(`kadmin ${line}`);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /^tessera: kadmin \w+: principal: not a principal of the form primary\/instance@REALM\ntessera: up to four components/,
    );
  });

  it("of another realm is refused", async () => {
    const { code, stderr } = await shell.run("kadmin getprinc alice@ELSEWHERE.TEST");
    expect([code, stderr]).toEqual([1, "tessera: alice@ELSEWHERE.TEST is not of this realm, EXAMPLE.TEST\n"]);
  });
});
