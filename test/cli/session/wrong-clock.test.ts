/** The command on a machine whose clock is wrong, or was when its user logged in. */
import { describe, expect, it } from "vitest";
import { NOON, PASSWORDS, served } from "../served.js";

const tests = served({ services: ["notes/h"] });
const { shell } = tests;
const HOUR = 3_600_000;

function showing(ms: number): void {
  shell.now = () => ms + (tests.realm.now - NOON);
}

describe("a clock", () => {
  it("that is set right after a login needs no other login", async () => {
    showing(NOON - 2 * HOUR);
    await tests.login("alice");
    showing(NOON);
    expect(await shell.run("kvno notes/h")).toEqual({
      code: 0,
      stdout: "notes/h@EXAMPLE.TEST: kvno = 1\n",
      stderr: "",
    });
    expect((await shell.run(`call --address ${tests.realm.v.address} who-am-i`)).code).toBe(0);
  });

  it("that shows 1970 costs a login one more round trip", async () => {
    showing(0);
    await tests.login("alice");
    expect((await shell.run("kvno notes/h")).code).toBe(0);
  });

  it("that shows 2100 is at fault, and the command says so", async () => {
    showing(Date.UTC(2100, 0));
    const { stderr } = await shell.run("kvno notes/h");
    expect(stderr).toMatch(
      /KRB_AP_ERR_TKT_EXPIRED, 32\)\nhint: the clock of this machine is at fault: it shows 2100-01-01; set it/,
    );
    expect(await shell.run("kinit --password-stdin alice", PASSWORDS.alice)).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "tessera: the clock of this machine is at fault: it is 74 years ahead of that of the KDC\n" +
        "hint: set the clock of this machine (NTP), and log in again\n",
    });
  });
});
