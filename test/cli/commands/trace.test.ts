import { existsSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { PASSWORDS, served } from "../served.js";

const tests = served({ profile: "standard", policy: { iterations: 40_000 } });
const { shell } = tests;
const trace = (words: string, password: string = PASSWORDS.alice) =>
  shell.run(`trace --password-stdin --address ${tests.realm.v.address} ${words}`, password);

interface Traced {
  readonly messages: readonly {
    readonly number: number;
    readonly clear: readonly { readonly name: string; readonly symbol?: string; readonly value: string }[];
    readonly sealed: readonly { readonly symbol: string; readonly opens: readonly string[] }[];
  }[];
}

describe("trace", () => {
  beforeAll(async () => {
    writeFileSync(shell.file("v.keytab"), await tests.realm.keytab("v/localhost"), { mode: 0o600 });
  });

  it("shows the six messages, and what the client's keys open", async () => {
    const { code, stdout, stderr } = await trace("alice");
    expect([code, stderr]).toEqual([0, ""]);
    // The KDC's count of iterations makes the key that opens the proof.
    expect(stdout).toMatch(/padata: aes256-cts-hmac-sha384-192[\s\S]*patimestamp +TS1/);
    expect(stdout).toMatch(/\(6\) V → C[\s\S]*client +alice@EXAMPLE.TEST/);
    for (const line of stdout.split("\n")) expect([...line].length, line).toBeLessThanOrEqual(100);
    expect(existsSync(shell.file("cc"))).toBe(false);
  });

  it("shows what was asked of each KDC of a list", async () => {
    const { as, tgs } = tests.realm.kdc;
    const words = ["trace", "--password-stdin", "--address", tests.realm.v.address, "alice"];
    const { code, stdout } = await shell.runWords(
      [...words, "--kdc", `127.0.0.1:1,${tgs} ${as},${tgs}`],
      PASSWORDS.alice,
    );
    expect(code).toBe(0);
    expect(stdout.match(/^\(1\) C → AS/gm)!.length).toBeGreaterThan(1);
    expect(stdout).toMatch(/^\(6\) V → C/m);
  });

  it("opens with V's keytab what V opens", async () => {
    const opened = async (words: string) => {
      const { messages } = JSON.parse((await trace(`--json ${words} alice`)).stdout) as Traced;
      return messages.find(({ number }) => number === 5)!.sealed.map((part) => part.opens.join());
    };
    expect(await opened("")).toEqual(["", "C", "C"]);
    expect(await opened("--keytab ./v.keytab")).toEqual(["V", "C,V", "C,V"]);
  });

  it("keeps the session keys back unless they are asked for", async () => {
    expect((await trace("alice")).stdout).toMatch(
      /key +K_c,v +\[redacted\] aes256-cts-hmac-sha384-192, 32 bytes/,
    );
    expect((await trace("--show-keys alice")).stdout).toMatch(/key\.key +[0-9a-f]{32}… \(32 bytes\)\n/);
  });

  it("shows what travelled up to a refusal, and then the refusal", async () => {
    const { code, stdout, stderr } = await trace("alice", "wrong");
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^\(1\) C → AS/)]);
    expect(stdout).not.toContain("(2)");
    expect(stderr).toContain("(KDC_ERR_PREAUTH_FAILED, 24)");
  });

  it("colours only a terminal that wants it", async () => {
    shell.isTerminal = true;
    expect((await trace("alice")).stdout).toContain("\u001b[1m(1) C → AS");
    shell.env.NO_COLOR = "1";
    expect((await trace("alice")).stdout).toMatch(/^\(1\) C → AS/);
    shell.env.NO_COLOR = undefined;
    shell.isTerminal = false;
  });

  it("is used wrongly with a service that is none", async () => {
    const { code, stderr } = await trace("--service v/ alice");
    expect([code, stderr]).toEqual([2, expect.stringContaining("--service: not a principal of the form")]);
  });
});
