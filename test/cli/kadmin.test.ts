/** The principals' commands, on a realm of their own and no server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Shell } from "./command.js";

const shell = new Shell();
beforeAll(async () => {
  await shell.run("realm create");
});
afterAll(() => shell.remove());

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
