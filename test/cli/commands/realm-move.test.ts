import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { aloneOn } from "../../../src/store/open-store.js";
import { onDisk } from "../on-disk.js";

const shell = onDisk("--profile standard");
const path = (name: string) => join(shell.dir, name);

describe("realm dump, load, copy and check", () => {
  it("move a realm to another folder, and say how many principals they found", async () => {
    expect(await shell.run("realm dump ./a.dump")).toEqual({
      code: 0,
      stdout: "realm EXAMPLE.TEST: 2 principals written to ./a.dump\n",
      stderr: "",
    });
    expect(await shell.run("realm load --dir ./two --master-key ./realm/master.key ./a.dump")).toEqual({
      code: 0,
      stdout: "realm EXAMPLE.TEST: 2 principals loaded into ./two\n",
      stderr: "",
    });
    expect(await shell.run("realm check --dir ./two")).toEqual({
      code: 0,
      stdout: "realm EXAMPLE.TEST: 2 principals, every record opens\n",
      stderr: "",
    });
    expect(await shell.run(`realm copy lmdb:${path("two/principals")} lmdb:${path("three")}`)).toEqual({
      code: 0,
      stdout: "2 principals copied\n",
      stderr: "",
    });
  });

  it("say the same as JSON", async () => {
    const json = async (line: string) => JSON.parse((await shell.run(line)).stdout);
    expect(await json("realm dump --json ./b.dump")).toEqual({
      realm: "EXAMPLE.TEST",
      principals: 2,
      file: "./b.dump",
    });
    expect(await json("realm load --json --update ./b.dump")).toEqual({
      realm: "EXAMPLE.TEST",
      principals: 2,
      dir: "./realm",
      resumed: false,
    });
    expect(await json("realm check --json")).toEqual({ realm: "EXAMPLE.TEST", principals: 2, faults: [] });
    const copied = await json(`realm copy --json lmdb:${path("realm/principals")} lmdb:${path("four")}`);
    expect(copied).toEqual({ written: 2, removed: 0, resumed: false });
  });

  it("refuse what would overwrite, what is no dump, and what another key sealed, each with its reason", async () => {
    await shell.run("realm dump ./c.dump");
    const refused = async (line: string) => {
      const { code, stdout, stderr } = await shell.run(`${line} --json`);
      expect([code, stderr]).toEqual([1, expect.stringContaining("tessera: ")]);
      return JSON.parse(stdout).error;
    };
    expect(await refused("realm load ./c.dump")).toMatchObject({ reason: "exists" });
    writeFileSync(path("text.dump"), "no dump at all");
    expect(await refused("realm load --update ./text.dump")).toMatchObject({ reason: "corrupt" });
    writeFileSync(path("cut.dump"), readFileSync(path("c.dump")).subarray(0, -1));
    expect(await refused("realm load --update ./cut.dump")).toMatchObject({ reason: "corrupt" });
    expect(await refused("realm load --update ./none.dump")).toMatchObject({ reason: "missing" });
    await shell.run("realm create --dir ./other");
    expect(await refused("realm load --update --dir ./other ./c.dump")).toMatchObject({
      reason: "wrong-key",
    });
    expect(await refused("realm dump ./no/such/folder.dump")).toMatchObject({ reason: "missing" });
  });

  it("refuse to fill a database that another program fills at the moment", async () => {
    await shell.run("realm dump ./d.dump");
    const outcome = await aloneOn(`lmdb:${path("realm/principals")}`, () =>
      shell.run("realm load --json --update ./d.dump"),
    );
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining("hint: wait until that") });
    expect(JSON.parse(outcome.stdout).error).toMatchObject({ reason: "busy" });
  });

  it("name what is wrong with a realm, and exit with 1", async () => {
    await shell.run("realm create --dir ./broken --profile standard");
    copyFileSync(path("realm/master.key"), path("broken/master.key"));
    const { code, stdout, stderr } = await shell.run("realm check --dir ./broken");
    expect([code, stdout.trimEnd().split("\n").length]).toEqual([1, 2]);
    expect(stdout).toContain("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST: sealed under another master key");
    expect(stderr).toContain(
      "tessera: realm EXAMPLE.TEST: 2 faults among 2 principals\nhint: no record opens: put the realm's own",
    );
  });

  it("want their files named", async () => {
    const lost = "realm load --database postgres://db/tessera ./a.dump";
    expect(await shell.run(lost)).toMatchObject({ code: 2, stderr: expect.stringContaining("--master-key") });
    for (const line of ["realm dump", "realm load", "realm copy lmdb:here", "realm check file"])
      expect((await shell.run(line)).code, line).toBe(2);
    expect(await shell.run(`realm copy lmdb:${path("realm/principals")} mysql://db/tessera`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("expected memory:, lmdb: or postgres:"),
    });
  });
});
