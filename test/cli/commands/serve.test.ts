import { once } from "node:events";
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { fileCache } from "../../../src/client/file-credential-cache.js";
import { eventually } from "../../support/eventually.js";
import { type Ready, servingTests } from "../serving-realm.js";

const tests = servingTests(["kadmin addprinc --password-stdin alice", "apple"]);

describe("serve", () => {
  it("runs AS, TGS and V, logs a line an exchange, and ends when it is asked to", async () => {
    const { addresses, ...ready } = await tests.shell.serve();
    expect(ready).toMatchObject({
      ready: true,
      realm: "EXAMPLE.TEST",
      profile: "textbook",
      service: "v/localhost@EXAMPLE.TEST",
      tls: false,
    });
    expect((await tests.shell.run("kinit --password-stdin alice", "wrong")).code).toBe(1);
    expect((await tests.shell.run("kinit --password-stdin alice", "apple")).code).toBe(0);
    expect((await tests.shell.run(`call --address ${addresses.v} who-am-i`)).stdout).toMatch(
      /^client: alice@/,
    );
    const { code, stdout, stderr } = await tests.shell.end();
    expect(code).toBe(0);
    const records = stdout
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => JSON.parse(line) as Record<string, string>);
    expect(records.map(({ exchange, result, client }) => `${exchange} ${result} ${client}`)).toEqual([
      "AS KDC_ERR_PREAUTH_FAILED alice@EXAMPLE.TEST",
      "AS OK alice@EXAMPLE.TEST",
      "TGS OK alice@EXAMPLE.TEST",
      "V OK alice@EXAMPLE.TEST",
    ]);
    // The names of tickets lead from V's line to the login.
    const [, as, tgs, v] = records;
    expect([v!.ticket, tgs!.tgt]).toEqual([tgs!.ticket, as!.tgt]);
    for (const name of [as!.tgt, tgs!.ticket]) expect(name).toMatch(/^[\w-]{12}$/);
    expect(stderr).toMatch(
      /^tessera: weak encryption is permitted \(.*\ntessera: SIGTERM: finishing; again to end/,
    );
  });

  it("speaks plainly at a terminal", async () => {
    tests.shell.isTerminal = true;
    const running = tests.shell.begin("serve --as-port 0 --tgs-port 0 --v-port 0");
    expect(await running.firstLine).toBe("realm EXAMPLE.TEST, profile textbook");
    const { stdout } = await tests.shell.end();
    expect(stdout).toMatch(
      /\nAS {3}127\.0\.0\.1:\d+\nTGS {2}127\.0\.0\.1:\d+\nV {4}127\.0\.0\.1:\d+ {2}v\/localhost@EXAMPLE\.TEST\nready as=127/,
    );
  });

  it("runs V alone from its keytab, and keeps what V keeps beside it", async () => {
    copyFileSync(tests.shell.file("realm/v.keytab"), tests.shell.file("v.keytab"));
    const running = tests.shell.begin("serve v --keytab ./v.keytab --profile textbook --v-port 0");
    const { addresses, realm } = JSON.parse(await running.firstLine) as Ready;
    expect([Object.keys(addresses), realm]).toEqual([["v"], "EXAMPLE.TEST"]);
    expect((await tests.shell.end()).code).toBe(0);
    expect(existsSync(tests.shell.file("v.keytab.data/notes"))).toBe(true);
  });

  it("says that V's keytab is of no use under its profile, and the command that mends it", async () => {
    const command =
      "kadmin ktadd -k ./realm/v.keytab -e aes256-cts-hmac-sha384-192,aes128-cts-hmac-sha256-128 " +
      "v/localhost@EXAMPLE.TEST";
    const said = async () => {
      const running = tests.shell.begin("serve v --keytab ./realm/v.keytab --v-port 0");
      await running.firstLine;
      return (await tests.shell.end()).stderr.replace(/tessera: SIGTERM: .*\n/, "");
    };
    expect(await said()).toBe(
      "tessera: ./realm/v.keytab holds only des-cbc-md5, which the profile standard does not permit: " +
        "V refuses every ticket\n" +
        `tessera: make keys that it permits: tessera ${command}\n`,
    );
    expect((await tests.shell.run(command)).code).toBe(0);
    expect(await said()).toBe("");
  });

  it("rotates V's key, and moves to another profile, while it serves", async () => {
    let ahead = 0;
    tests.shell.now = () => Date.now() + ahead;
    const { addresses } = await tests.shell.serve();
    const call = () => tests.shell.run(`call --address ${addresses.v} who-am-i`);
    await tests.shell.run("kinit --password-stdin alice", "apple");
    await call();
    await tests.shell.run("kadmin ktadd -k ./realm/v.keytab v/localhost");
    // V looks at its keytab again after a tenth of a second, by the clock it was given.
    ahead = 1_000;
    expect((await call()).code).toBe(0);
    await tests.shell.run("kdestroy");
    await tests.shell.run("kinit --password-stdin alice", "apple");
    expect((await call()).code).toBe(0);
    expect((await tests.shell.run("kvno v/localhost")).stdout).toBe("v/localhost@EXAMPLE.TEST: kvno = 2\n");
  });

  it("reads the configuration, and again at SIGHUP: another log, and what waits for the next start", async () => {
    const file = tests.shell.file("tessera.toml");
    tests.shell.env.TESSERA_CONFIG = file;
    writeFileSync(file, '[server]\nas-port = 0\ntgs-port = 0\nv-port = 0\n[log]\nfile = "one"\n');
    const running = tests.shell.begin("serve");
    const { addresses } = JSON.parse(await running.firstLine) as Ready;
    tests.shell.env.TESSERA_KDC = `${addresses.as},${addresses.tgs}`;
    const hangUp = async (notice: string) => {
      tests.shell.running.signal("SIGHUP");
      await eventually(() => expect(tests.shell.running.stderr()).toContain(notice));
    };
    writeFileSync(
      file,
      '[server]\nas-port = 0\ntgs-port = 0\nv-port = 0\nhost = "::1"\n[log]\nfile = "two"\n',
    );
    await hangUp("the configuration has changed; this waits for the next start: host\n");
    await eventually(() => expect(existsSync(tests.shell.file("two"))).toBe(true));
    expect((await tests.shell.run("kinit --password-stdin alice", "apple")).code).toBe(0);
    await eventually(() =>
      expect(readFileSync(tests.shell.file("two"), "utf8")).toContain('"exchange":"AS"'),
    );
    expect(readFileSync(tests.shell.file("one"), "utf8")).not.toContain('"exchange":"AS"');
    writeFileSync(file, "[server]\nhots = 1\n");
    await hangUp('the configuration stays as it was: ./tessera.toml:2:1: no key "hots" in server');
    expect((await tests.shell.end()).code).toBe(0);
  });

  it("reads the log's level again at SIGHUP", async () => {
    const file = tests.shell.file("tessera.toml");
    const configure = (level: string) =>
      writeFileSync(
        file,
        `[server]\nas-port = 0\ntgs-port = 0\nv-port = 0\n[log]\nfile = "log"\nlevel = "${level}"\n`,
      );
    tests.shell.env.TESSERA_CONFIG = file;
    configure("info");
    const running = tests.shell.begin("serve --log-sample off");
    const { addresses } = JSON.parse(await running.firstLine) as Ready;
    tests.shell.env.TESSERA_KDC = `${addresses.as},${addresses.tgs}`;
    const results = () =>
      readFileSync(tests.shell.file("log"), "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as Record<string, unknown>).result);
    const login = async (password: string) => tests.shell.run("kinit --password-stdin alice", password);
    await login("apple");
    let hangUps = 0;
    for (const level of ["warn", "error", "info"]) {
      configure(level);
      tests.shell.running.signal("SIGHUP");
      hangUps++;
      await eventually(() =>
        expect(tests.shell.running.stderr().split("SIGHUP: read")).toHaveLength(hangUps + 1),
      );
      await login("apple");
      await login("wrong");
    }
    const { code, stderr } = await tests.shell.end();
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("waits for the next start")]);
    const refused = "KDC_ERR_PREAUTH_FAILED";
    expect(results()).toEqual(["OK", refused, "OK", refused]);
  });

  it("reads its files again at SIGHUP: the log's, the realm's settings", async () => {
    await tests.shell.serve("--log ./log");
    const log = () => readFileSync(tests.shell.file("log"), "utf8");
    const hangUp = async (times: number) => {
      tests.shell.running.signal("SIGHUP");
      await eventually(() =>
        expect(
          tests.shell.running.stderr().split("SIGHUP: read certificates and settings again").length - 1,
        ).toBe(times),
      );
    };
    expect((await tests.shell.run("kinit --password-stdin alice", "apple")).code).toBe(0);
    renameSync(tests.shell.file("log"), tests.shell.file("log.1"));
    const file = tests.shell.file("realm/realm.json");
    const settings = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...settings, maxLife: "1h" }));
    await hangUp(1);
    expect(log()).toContain('"exchange":"realm","text":"maxLife 1h from now on"');
    writeFileSync(file, "{");
    await hangUp(2);
    expect(log()).toMatch(/"level":"error",.*"text":"the settings stay as they are: .*realm\.json: not JSON/);
    writeFileSync(file, JSON.stringify({ ...settings, maxLife: "1h" }));
    expect((await tests.shell.run("kinit --password-stdin alice", "apple")).code).toBe(0);
    const { credentials } = (await fileCache(tests.shell.file("cc")).load())!;
    expect(credentials[0]!.endtime - credentials[0]!.starttime).toBe(3_600_000);
    expect(readFileSync(tests.shell.file("log.1"), "utf8").trim().split("\n")).toHaveLength(1);
    expect((await tests.shell.end()).code).toBe(0);
  });

  it("leaves out of the log what is below a level, and counts refusals that repeat", async () => {
    await tests.shell.serve("--log-level warn");
    expect((await tests.shell.run("kinit --password-stdin alice", "apple")).code).toBe(0);
    for (let i = 0; i < 2; i++)
      expect((await tests.shell.run("kinit --password-stdin alice", "wrong")).code).toBe(1);
    const lines = (await tests.shell.end()).stdout.trim().split("\n").slice(1);
    const refused = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(refused.map(({ result }) => result)).toEqual(refused.map(() => "KDC_ERR_PREAUTH_FAILED"));
    expect(refused.reduce((count, { repeated }) => count + Number(repeated ?? 1), 0)).toBe(2);
  });

  it("has no workers to replace at SIGUSR2, says so and goes on", async () => {
    await tests.shell.serve();
    tests.shell.running.signal("SIGUSR2");
    await eventually(() =>
      expect(tests.shell.running.stderr()).toContain("SIGUSR2 replaces workers, and there are none"),
    );
    expect((await tests.shell.run("kinit --password-stdin alice", "apple")).code).toBe(0);
    expect((await tests.shell.end()).code).toBe(0);
  });

  it("says where it has no memory of authenticators", async () => {
    await tests.shell.serve("--replay-cache memory: --notes memory:");
    expect((await tests.shell.end()).stderr).toContain(
      "V has no memory of authenticators: for 5m it refuses whatever could be a replay",
    );
  });

  it("takes a size for the memory of authenticators, and refuses what is none", async () => {
    for (const size of ["1", "63", "many", "1T", "65G", "-1"]) {
      const { code, stderr } = await tests.shell.run(`serve v --replay-cache-size=${size}`);
      expect([code, stderr]).toEqual([
        2,
        expect.stringContaining("--replay-cache-size: expected a size such as"),
      ]);
    }
    await tests.shell.serve("--replay-cache-size 1K");
    expect((await tests.shell.end()).code).toBe(0);
  });

  it("fails where a port is in use, in one line", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    const { code, stdout, stderr } = await tests.shell.run(`serve v --v-port ${port}`);
    other.close();
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(new RegExp(`^tessera: 127\\.0\\.0\\.1:${port} is in use: .*\\n$`));
  });

  it("does not let weak encryption leave loopback unless that is insisted on", async () => {
    const { code, stderr } = await tests.shell.run("serve as --host 0.0.0.0 --as-port 0");
    expect([code, stderr]).toEqual([1, expect.stringContaining("insist with --allow-weak-crypto")]);
  });

  it.each([
    [
      "there is no realm",
      "serve --dir ./none",
      /: there is no realm here\nhint: make it: tessera realm create\n$/,
    ],
    [
      "there is no realm for V either",
      "serve v --dir ./none",
      /\nhint: make it: tessera realm create; or give V its keytab: --keytab FILE\n$/,
    ],
    [
      "there is no realm for V, which has its keytab",
      "serve v --keytab ./realm/v.keytab --dir ./none",
      /\nhint: make it: tessera realm create; or leave out --dir: V needs only its keytab\n$/,
    ],
    [
      "nothing can be kept beside the keytab",
      // As on a mount that is read-only, which a test can't count on.
      "serve v --keytab /proc/x --v-port 0",
      /^tessera: \/proc\/x\.data: .*\nhint: V keeps its data beside .*: --notes lmdb:DIR --replay-cache lmdb:DIR\n$/,
    ],
  ])("fails where %s", async (_, line, text) => {
    const { code, stderr } = await tests.shell.run(line);
    expect([code, stderr]).toEqual([1, expect.stringMatching(text)]);
  });

  it.each([
    ["a server that there is none of", "serve mail", "no server mail; there are as, tgs and v"],
    ["a port that is none", "serve --v-port 70000", "--v-port: expected a port from 0 to 65535"],
    [
      "a profile that is none",
      "serve v --keytab ./k --profile x",
      "--profile: expected textbook or standard",
    ],
    [
      "a limit that is none",
      "serve --max-connections 0",
      "--max-connections: expected a number, or two with",
    ],
    ["a share that is none", "serve --max-calls 9/x", "--max-calls: expected a number, or two with a slash"],
    [
      "a size that is none",
      "serve --max-bytes 64X",
      "--max-bytes: expected a size such as 64M, or two (64M/16M), from 16K",
    ],
    ["a size below one message", "serve --max-bytes 64M/1K", "--max-bytes: expected a size such as 64M"],
    ["a proxy that is none", "serve --trusted-proxy x", "--trusted-proxy: expected an IP address, got x"],
    ["a time that is none", "serve --grace x", "--grace: expected a time such as 10h"],
    ["a level that is none", "serve --log-level loud", "--log-level: expected info, warn, error"],
    ["a sampling that is none", "serve --log-sample 2", "--log-sample: expected on or off"],
    ["workers that are no number", "serve --workers -1", "--workers"],
    [
      "workers in no process of its own",
      "serve --workers 2",
      "--workers: only in a process of the command's own",
    ],
    ["a service that is none", "serve v --service v/", "--service: not a principal of the form"],
  ])("is used wrongly with %s", async (_, line, text) => {
    const { code, stderr } = await tests.shell.run(line);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });
});
