import { describe, expect, it } from "vitest";
import { onDisk } from "../on-disk.js";

const shell = onDisk();

describe("kadmin delprinc", () => {
  it("deletes a principal", async () => {
    await shell.run("kadmin addprinc -randkey bob");
    expect(await shell.run("kadmin delprinc -force bob")).toEqual({
      code: 0,
      stdout: "bob@EXAMPLE.TEST deleted\n",
      stderr: "",
    });
    expect((await shell.run("kadmin getprinc bob")).code).toBe(1);
    await shell.run("kadmin addprinc -randkey bob");
    const { stdout } = await shell.run("kadmin delprinc --json -force bob");
    expect(JSON.parse(stdout)).toEqual({ deleted: "bob@EXAMPLE.TEST" });
  });

  it.each([
    [
      "the realm's TGS",
      "krbtgt/EXAMPLE.TEST",
      /^tessera: krbtgt\/.* is the realm's TGS: without it nobody logs in\n$/,
    ],
    ["one that is not there", "nobody", /^tessera: there is no principal nobody@EXAMPLE\.TEST\nhint: /],
  ])("fails for %s", async (_, name, text) => {
    const { code, stderr } = await shell.run(`kadmin delprinc -force ${name}`);
    expect([code, stderr]).toEqual([1, expect.stringMatching(text)]);
  });

  it("is used wrongly with a name that is none", async () => {
    const { code, stderr } = await shell.run("kadmin delprinc ../a");
    expect([code, stderr]).toEqual([2, expect.stringContaining("principal: not a principal of the form")]);
  });
});
