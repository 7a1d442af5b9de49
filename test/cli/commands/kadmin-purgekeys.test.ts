import { beforeEach, describe, expect, it } from "vitest";
import { getPrincipal, onDisk } from "../on-disk.js";

const shell = onDisk();
const versions = async () => [...new Set((await getPrincipal(shell, "db")).keys.map(({ kvno }) => kvno))];

describe("kadmin purgekeys", () => {
  beforeEach(async () => {
    await shell.run("kadmin delprinc -force db");
    await shell.run("kadmin addprinc -randkey db");
    await shell.run("kadmin cpw -randkey db");
    await shell.run("kadmin cpw -randkey db");
  });

  it("ends the old versions", async () => {
    expect(await versions()).toEqual([3, 2, 1]);
    expect(await shell.run("kadmin purgekeys db")).toEqual({
      code: 0,
      stdout:
        "db@EXAMPLE.TEST: kvno 1, 2 purged\n" +
        "its keytab has them still: tessera kadmin ktadd -norandkey -k FILE db\n",
      stderr: "",
    });
    expect(await versions()).toEqual([3]);
    expect((await shell.run("kadmin purgekeys db")).stdout).toBe("db@EXAMPLE.TEST: no old keys\n");
  });

  it("says how they end in the keytab, by which the service goes on opening tickets under them", async () => {
    // "Tickets under them are refused from then on", said the documents; a guarded service took them for
    // good.
    await shell.run("kadmin ktadd -k ./db.keytab db");
    const held = async () => new Set((await shell.run("klist -k ./db.keytab")).stdout.match(/^ +\d+/gm));
    const { stdout } = await shell.run("kadmin purgekeys db");
    expect((await held()).size).toBe(4);
    const advice = /tessera (kadmin ktadd .*)$/m.exec(stdout)![1]!.replace("FILE", "./db.keytab");
    expect((await shell.run(advice)).code).toBe(0);
    expect([...(await held())].map(Number)).toEqual([4]);
  });

  it("asks for no keytab of the TGS", async () => {
    await shell.run("kadmin cpw -randkey krbtgt/EXAMPLE.TEST");
    expect((await shell.run("kadmin purgekeys krbtgt/EXAMPLE.TEST")).stdout).not.toMatch(/keytab/);
  });

  it("keeps those from a version on", async () => {
    const { stdout } = await shell.run("kadmin purgekeys --json -keepkvno 2 db");
    expect(JSON.parse(stdout)).toMatchObject({ purged: [1], principal: "db@EXAMPLE.TEST", kvno: 3 });
    expect(await versions()).toEqual([3, 2]);
  });

  it("fails where there is none of that name", async () => {
    const { code, stderr } = await shell.run("kadmin purgekeys nobody");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^tessera: there is no principal nobody@/)]);
  });

  it("is used wrongly with a version that is none", async () => {
    const { code, stderr } = await shell.run("kadmin purgekeys -keepkvno 0 db");
    expect([code, stderr]).toEqual([2, expect.stringContaining("-keepkvno: expected a version number")]);
  });
});
