import { existsSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { served } from "../served.js";

const tests = served();
const { shell } = tests;

describe("kdestroy", () => {
  it("removes the cache", async () => {
    await tests.login("alice");
    expect(existsSync(shell.file("cc"))).toBe(true);
    expect(await shell.run("kdestroy")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(existsSync(shell.file("cc"))).toBe(false);
  });

  it("has nothing to remove, and that is no failure", async () => {
    expect(await shell.run("kdestroy -c ./none")).toEqual({
      code: 0,
      stdout: "",
      stderr: "tessera: nobody was logged in: there is no FILE:./none\n",
    });
  });

  it("is quiet of that with -q, and says of MIT's -A what to do instead", async () => {
    expect(await shell.run("kdestroy -q -c ./none")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await shell.run("kdestroy -A")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there is no option -A here: there is one cache at a time"),
    });
  });

  it("says as JSON whether there was something", async () => {
    await tests.login("alice");
    const destroyed = async () => JSON.parse((await shell.run("kdestroy --json")).stdout) as unknown;
    expect(await destroyed()).toEqual({ cache: "FILE:./cc", destroyed: true });
    expect(await destroyed()).toEqual({ cache: "FILE:./cc", destroyed: false });
  });

  it("leaves a file that is no cache", async () => {
    writeFileSync(shell.file("notes"), "notes", { mode: 0o600 });
    const { code, stderr } = await shell.run("kdestroy -c ./notes");
    expect([code, stderr]).toEqual([1, "tessera: ./notes: is not a credential cache; it is left as it is\n"]);
    expect(existsSync(shell.file("notes"))).toBe(true);
  });
});
