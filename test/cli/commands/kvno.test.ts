import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { served } from "../served.js";

const tests = served({ services: ["db/localhost"] });
const { shell } = tests;

describe("kvno", () => {
  beforeEach(() => tests.login("alice"));

  it("gets tickets and prints the versions of their keys", async () => {
    expect(await shell.run("kvno v/localhost db/localhost@EXAMPLE.TEST")).toEqual({
      code: 0,
      stdout: "v/localhost@EXAMPLE.TEST: kvno = 1\ndb/localhost@EXAMPLE.TEST: kvno = 1\n",
      stderr: "",
    });
    expect((await shell.run("klist")).stdout).toContain("db/localhost@EXAMPLE.TEST\n");
  });

  it("asks no KDC for a ticket at hand", async () => {
    await shell.run("kvno v/localhost");
    const asked = tests.realm.log.length;
    expect(await shell.run("kvno --kdc 127.0.0.1:1 v/localhost")).toEqual({
      code: 0,
      stdout: "v/localhost@EXAMPLE.TEST: kvno = 1\n",
      stderr: "",
    });
    expect(tests.realm.log.length).toBe(asked);
    // Of several, it asks for those that are not at hand.
    const { stdout } = await shell.run("kvno v/localhost db/localhost");
    expect(stdout.split("\n")).toHaveLength(3);
    expect(tests.realm.log.slice(asked)).toMatchObject([
      { exchange: "TGS", server: "db/localhost@EXAMPLE.TEST" },
    ]);
  });

  it("prints nothing with -q, and facts with --json", async () => {
    expect(await shell.run("kvno -q v/localhost")).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(JSON.parse((await shell.run("kvno --json v/localhost")).stdout)).toMatchObject({
      tickets: [{ server: "v/localhost@EXAMPLE.TEST", kvno: 1, etypes: { ticket: "des-cbc-md5" } }],
    });
  });

  it("names a service that does not exist", async () => {
    const { code, stdout, stderr } = await shell.run("kvno nobody/here");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/\(KDC_ERR_S_PRINCIPAL_UNKNOWN, 7\)\n.*server=nobody\/here.*\nhint: .*listprincs/);
  });

  it("is refused where the login is over, also with a ticket at hand", async () => {
    await shell.run("kvno v/localhost");
    tests.realm.advance("10h");
    const { code, stderr } = await shell.run("kvno v/localhost");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^tessera: the login ended at .* \(KRB_AP_ERR_TKT_EXPIRED, 32\)\nhint: run `tessera kinit`\n$/,
      ),
    ]);
    await shell.run("kdestroy");
    expect((await shell.run("kvno v/localhost")).stderr).toMatch(/^tessera: nobody is logged in: /);
  });

  it.each([
    ["a name that is none", "kvno v/localhost v//localhost", "service: not a principal of the form"],
    ["no service", "kvno", "an argument is missing"],
    [
      "a time that is none, ticket at hand or not",
      "kvno --timeout x v/localhost",
      "--timeout: expected a time",
    ],
    ["half of TLS", "kvno --tls-cert ./cert.pem v/localhost", "--tls-cert and --tls-key go with --tls-ca"],
  ])("is used wrongly with %s", async (_, line, text) => {
    await shell.run("kvno v/localhost");
    const { code, stdout, stderr } = await shell.run(line);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(text)]);
  });

  it("leaves a trace where TESSERA_TRACE says, without secrets", async () => {
    shell.env.TESSERA_TRACE = shell.file("trace");
    await shell.run("kvno v/localhost");
    shell.env.TESSERA_TRACE = undefined;
    expect(readFileSync(shell.file("trace"), "utf8")).toMatch(
      /^\S+Z \[\d+\] \/kerberos\.v1\.TicketGrantingService\/GrantTicket -> \d+ bytes\n\S+ \S+ \S+ <- OK, \d+ bytes, [\d.]+ ms\n$/,
    );
  });
});
