import { readFileSync, statSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseKeytab } from "../../../src/formats/keytab.js";
import { InProcess } from "../in-process.js";

let shell: InProcess;
beforeEach(() => {
  shell = new InProcess();
});
afterEach(() => shell.remove());

describe("realm create", () => {
  it("makes a realm, says what it permits and what comes next", async () => {
    const { code, stdout, stderr } = await shell.run("realm create");
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        "realm EXAMPLE.TEST (textbook) made in ./realm",
        "  tickets live 10h at most; clocks may differ by 5m",
        "  service v/localhost@EXAMPLE.TEST, its keys in ./realm/v.keytab",
        "",
        "next:",
        "  tessera kadmin addprinc alice",
        "  tessera serve",
        "  tessera kinit alice",
        "",
      ].join("\n"),
    );
    expect(stderr).toMatch(/^tessera: the profile textbook permits weak encryption \(.*des-cbc-md5.*\)/);
    expect(statSync(shell.file("realm")).mode & 0o777).toBe(0o700);
    const keytab = parseKeytab(readFileSync(shell.file("realm/v.keytab")));
    expect(keytab.map(({ principal }) => principal)).toEqual(["v/localhost@EXAMPLE.TEST"]);
  });

  it("makes one of another name, profile and folder", async () => {
    const line = "realm create --realm EXAMPLE.ORG --profile standard --dir ./other --max-life 1h --json";
    const { stdout, stderr } = await shell.run(line);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      realm: "EXAMPLE.ORG",
      profile: "standard",
      dir: "./other",
      keytab: "./other/v.keytab",
      service: "v/localhost@EXAMPLE.ORG",
    });
  });

  it("says which folder to point to where it is not the usual one", async () => {
    shell.env.TESSERA_REALM_DIR = undefined;
    shell.env.XDG_DATA_HOME = shell.file("data");
    expect((await shell.run("realm create")).stdout).toMatch(/ made in \.\/data\/tessera\/realm\n/);
  });

  it("keeps its own count of iterations for passwords", async () => {
    await shell.run("realm create --profile standard --iterations 40000");
    expect((await shell.run("realm show")).stdout).toMatch(/^iterations +40000$/m);
  });

  it("leaves a realm that is there", async () => {
    await shell.run("realm create");
    const { code, stderr } = await shell.run("realm create --profile standard");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^tessera: \.\/realm: /)]);
    expect((await shell.run("realm show")).stdout).toMatch(/^profile +textbook$/m);
  });

  it.each([
    ["a name in lower case", "--realm example.test", "--realm: expected a name in upper case"],
    ["a profile that is none", "--profile strong", "--profile: expected textbook or standard"],
    ["a time that is none", "--clock-skew x", "--clock-skew: expected a time such as 10h"],
    ["fewer iterations than clients accept", "--iterations 32767", "expected 32768 to 10000000, got 32767"],
  ])("is used wrongly with %s", async (_, words, text) => {
    const { code, stdout, stderr } = await shell.run(`realm create ${words}`);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(text)]);
  });
});
