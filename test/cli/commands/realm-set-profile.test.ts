import { beforeAll, describe, expect, it } from "vitest";
import { onDisk } from "../on-disk.js";

const shell = onDisk();

describe("realm set-profile", () => {
  beforeAll(() => shell.run("kadmin addprinc --password-stdin alice", "apple"));

  it("moves the realm, and says who lacks a key and the command that makes one", async () => {
    const { code, stdout, stderr } = await shell.run("realm set-profile standard");
    expect(code).toBe(0);
    expect(stdout.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
      ["realm EXAMPLE.TEST: profile standard, was textbook"],
      ["without a key that it permits:"],
      ["alice@EXAMPLE.TEST", "tessera kadmin cpw -e 20,19 alice@EXAMPLE.TEST"],
      [
        "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
        "tessera kadmin cpw -randkey -e 20,19 krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
      ],
      ["v/localhost@EXAMPLE.TEST", "tessera kadmin ktadd -k KEYTAB -e 20,19 v/localhost@EXAMPLE.TEST"],
      [""],
    ]);
    expect(stderr).toMatch(/^tessera: running servers notice the change within seconds\n$/);
    expect((await shell.run("realm show")).stdout).toMatch(/^profile +standard$/m);
  });

  it("moves it back, and says what is weak there", async () => {
    const { stdout, stderr } = await shell.run("realm set-profile textbook");
    expect(stdout).toBe("realm EXAMPLE.TEST: profile textbook, was standard\n");
    expect(stderr).toMatch(/^tessera: the profile textbook permits weak encryption \(/);
  });

  it("gives the same as JSON", async () => {
    expect(JSON.parse((await shell.run("realm set-profile --json textbook")).stdout)).toEqual({
      realm: "EXAMPLE.TEST",
      from: "textbook",
      profile: "textbook",
      lacking: [],
    });
  });

  it.each([
    ["a profile that is none", "realm set-profile strong", "expected textbook or standard"],
    ["no profile", "realm set-profile", "an argument is missing"],
  ])("is used wrongly with %s", async (_, line, text) => {
    const { code, stderr } = await shell.run(line);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});
