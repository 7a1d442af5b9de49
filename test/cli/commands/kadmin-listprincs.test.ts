import { beforeAll, describe, expect, it } from "vitest";
import { onDisk } from "../on-disk.js";

const shell = onDisk();

describe("kadmin listprincs", () => {
  beforeAll(async () => {
    for (const name of ["notes/a", "notes/b"]) await shell.run(`kadmin addprinc -randkey ${name}`);
  });

  it("lists every principal", async () => {
    const { code, stdout } = await shell.run("kadmin listprincs");
    expect([code, stdout.trim().split("\n").sort()]).toEqual([
      0,
      [
        "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
        "notes/a@EXAMPLE.TEST",
        "notes/b@EXAMPLE.TEST",
        "v/localhost@EXAMPLE.TEST",
      ],
    ]);
  });

  it("lists those that a pattern fits, and nothing where none does", async () => {
    expect((await shell.run("kadmin listprincs notes/*")).stdout).toBe(
      "notes/a@EXAMPLE.TEST\nnotes/b@EXAMPLE.TEST\n",
    );
    expect(await shell.run("kadmin listprincs x*")).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("gives all that getprinc shows as JSON", async () => {
    const { principals } = JSON.parse((await shell.run("kadmin listprincs --json *localhost*")).stdout) as {
      principals: unknown[];
    };
    expect(principals).toMatchObject([
      {
        principal: "v/localhost@EXAMPLE.TEST",
        kind: "random key",
        kvno: 1,
        keys: [{ etype: "des-cbc-md5" }],
      },
    ]);
  });
});
