import { chmodSync, rmSync, statSync, truncateSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { openReplayCache } from "../../../src/store/replay/open-replay-cache.js";
import { local } from "../in-process.js";
import { NOON, served } from "../served.js";

const tests = served();
const { shell } = tests;
const doctor = (words = "") => shell.run(`doctor --address ${tests.realm.v.address} ${words}`);
const lines = async (words = "") => (await doctor(words)).stdout.trimEnd().split("\n");

describe("doctor", () => {
  beforeEach(async () => {
    rmSync(shell.file("realm"), { recursive: true, force: true });
    await shell.run("realm create");
    await tests.login("alice");
  });

  it("finds everything in order", async () => {
    const { code, stdout, stderr } = await doctor();
    expect([code, stderr]).toEqual([0, ""]);
    const { as, tgs } = tests.realm.kdc;
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.replaceAll(/ {2,}/g, " ")),
    ).toEqual([
      "ok realm EXAMPLE.TEST, profile textbook, in ./realm",
      expect.stringMatching(/^note profile permits weak encryption \(.*\): for learning$/),
      "ok database principals, notes and replay: every record can be read",
      "ok principals 2, every record opens",
      "ok keytab 1 key in ./realm/v.keytab",
      `ok cache alice@EXAMPLE.TEST until ${local(NOON + 36_000_000)}; the clocks agree`,
      `ok AS ${as}: SERVING`,
      `ok TGS ${tgs}: SERVING`,
      `ok V ${tests.realm.v.address}: SERVING`,
    ]);
  });

  it("takes a machine of clients, without realm or login, for no failure", async () => {
    rmSync(shell.file("realm"), { recursive: true });
    await shell.run("kdestroy");
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^note realm +\.\/realm: there is no realm here\n {15}hint: check the path, or make/,
    );
    expect(stdout).toMatch(/\nnote cache +nobody is logged in\n {15}hint: tessera kinit\n/);
  });

  it("finds what a clock that was ahead has left in the replay cache, and mends it", async () => {
    const skew = 300_000;
    const cache = await openReplayCache(`lmdb:${shell.file("realm/replay")}`, { skew, startedAt: NOON });
    const tag = (first: number) => Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? first : 0));
    const day = NOON + 86_400_000;
    await cache.store(tag(1), day, day + skew, day);
    await cache.store(tag(2), NOON, NOON + skew, NOON);
    await cache.store(tag(3), NOON, NOON + skew, NOON);
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\nnote replay +this machine's clock was once ahead: V takes nothing made from .*\n {15}hint: tessera doctor --mend; /,
    );
    expect((await doctor("--mend")).stdout).toMatch(
      /\nnote replay +begun anew: V takes calls that are made after /,
    );
    expect((await doctor()).stdout).not.toContain("replay     ");
    const again = cache.store(tag(1), NOON + 1, NOON + skew, NOON + 1);
    await expect(again).rejects.toMatchObject({ reason: "KRB_AP_ERR_SKEW" });
    await cache.close();
  });

  it("finds a database that is damaged, and does not end with it", async () => {
    const data = shell.file("realm/principals/data.mdb");
    truncateSync(data, statSync(data).size / 2);
    const { code, stdout } = await doctor();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\nBAD {2}database {3}lmdb:\.\/realm\/principals: page \d+ of \d+\n {15}hint: restore a backup\n/,
    );
    expect(stdout).toContain(`ok   AS         ${tests.realm.kdc.as}: SERVING\n`);
  });

  it("finds a file that others can read, and says what mends it", async () => {
    chmodSync(shell.file("realm/v.keytab"), 0o644);
    const { code, stdout } = await doctor();
    expect(code).toBe(1);
    expect(stdout).toContain("BAD  files      ./realm/v.keytab: open to others\n");
    expect(stdout).toContain("hint: chmod go= ./realm/v.keytab\n");
  });

  it("shows a proxy in the way of a server that is not on this machine, without its password", async () => {
    shell.env.https_proxy = "http://user:secret@127.0.0.1:9";
    const { stdout } = await doctor("--kdc kdc.example.test:1,127.0.0.1:2");
    shell.env.https_proxy = undefined;
    expect(stdout).toContain(
      "note proxy      AS at kdc.example.test:1: through the proxy of https_proxy=http://127.0.0.1:9\n" +
        "               hint: to go without it: set no_proxy=kdc.example.test\n",
    );
    expect(stdout).not.toContain("secret");
    expect(stdout.match(/proxy {2}/g)).toHaveLength(1);
  });

  it("looks at every KDC of a list", async () => {
    const { as, tgs } = tests.realm.kdc;
    const words = ["doctor", "--address", tests.realm.v.address, "--kdc"];
    const { code, stdout } = await shell.runWords([...words, `127.0.0.1:1,${tgs} ${as},${tgs}`]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(
        "\\nBAD {2}AS +no server answers at 127\\.0\\.0\\.1:1 .*\\n.*hint.*\\n" +
          `ok   AS +${as}: SERVING\\nok   TGS +${tgs}: SERVING\\nok   V `,
      ),
    );
    const repeated = await shell.runWords([...words, `${as},${tgs}`, "--kdc", `${as},${tgs}`]);
    expect(repeated.code).toBe(0);
    expect(await shell.runWords([...words, "kdc1:x"])).toMatchObject({ code: 2 });
  });

  it("finds a server that does not answer", async () => {
    const { code, stdout } = await shell.run("doctor --address 127.0.0.1:1");
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /\nBAD {2}V +no server answers at 127\.0\.0\.1:1 \(UNAVAILABLE\)\n {15}hint: is the server/,
    );
  });

  it("finds a login that is over, and a clock that is wrong", async () => {
    tests.realm.advance("10h");
    expect((await lines())[5]).toBe("note cache      alice@EXAMPLE.TEST: expired");
    const now = shell.now;
    shell.now = () => now() - 120_000;
    await tests.login("alice");
    const found = await lines();
    shell.now = now;
    expect(found[5]).toMatch(/^BAD {2}cache +alice@.*; the KDC's clock is 120000 ms off ours$/);
    expect(found[6]).toMatch(
      /^ +hint: set the clock \(NTP\); where it has been set since, log in again: tessera kinit$/,
    );
  });

  it("gives the same as JSON", async () => {
    const { stdout } = await doctor("--json");
    expect(JSON.parse(stdout)).toMatchObject({
      findings: expect.arrayContaining([
        { check: "principals", state: "ok", text: "2, every record opens" },
        { check: "V", state: "ok", text: `${tests.realm.v.address}: SERVING` },
      ]),
    });
  });
});
