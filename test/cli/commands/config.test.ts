import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CONFIG_KEYS, type ConfigKey } from "../../../src/cli/config/keys.js";
import { readText } from "../../../src/cli/config/read.js";
import { PASSWORDS, served } from "../served.js";

const tests = served({ profile: "standard" });
const { shell } = tests;

/** Writes the user's configuration for the rest of a test. */
function configure(text: string): void {
  mkdirSync(shell.file(".config/tessera"), { recursive: true });
  writeFileSync(shell.file(".config/tessera/tessera.toml"), text, { mode: 0o600 });
}

/** Runs without the addresses that the other tests go by. */
async function withoutVariable<T>(name: string, work: () => Promise<T>): Promise<T> {
  const value = shell.env[name];
  shell.env[name] = undefined;
  try {
    return await work();
  } finally {
    shell.env[name] = value;
  }
}

describe("config example", () => {
  it("prints every key, commented out, and without the # each line of it holds no fault", async () => {
    const { code, stdout, stderr } = await shell.run("config example");
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse((await shell.run("config example --json")).stdout).text).toBe(stdout);
    expect(readText(stdout, "/etc/tessera/tessera.toml")).toMatchObject({ entries: [], faults: [] });
    const whole = stdout.replaceAll(/^#(?=\S)/gm, "");
    const { entries, faults } = readText(whole, "/etc/tessera/tessera.toml");
    expect(faults).toEqual([]);
    expect(entries.map(({ key }) => key).toSorted(byName)).toEqual(CONFIG_KEYS.toSorted(byName));
    // What is said to be the default is it.
    for (const { key, texts } of entries)
      if (key.otherwise !== undefined) expect([key.name, texts.join(" ")]).toEqual([key.name, key.otherwise]);
  });
});

function byName(a: ConfigKey, b: ConfigKey): number {
  const [left, right] = [a, b].map(({ section, name }) => `${section}.${name}`);
  return left! < right! ? -1 : 1;
}

describe("config check", () => {
  it("prints every fault as file:line:column, and exits with 1", async () => {
    configure('[server]\nhots = "a"\nas-port = 99999\n\n[realms.A]\nca = "missing.pem"\n');
    const file = "./.config/tessera/tessera.toml";
    const { code, stdout, stderr } = await shell.run("config check");
    expect([code, stderr]).toEqual([1, ""]);
    expect(stdout).toBe(
      `${file}:2:1: no key "hots" in server; did you mean host?\n` +
        `${file}:3:1: as-port: expected a port from 0 to 65535\n` +
        `${file}:6:1: ca: ./.config/tessera/missing.pem: no such file or directory (ENOENT)\n`,
    );
    const json = await shell.run("config check --json");
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      file,
      faults: [{ line: 2, column: 1, text: expect.any(String) }, { line: 3 }, { line: 6 }],
    });
  });

  it("finds no fault in a file that it is given, whose files may be made yet", async () => {
    writeFileSync(shell.file("other.toml"), '[log]\nfile = "log"\n[store]\nnotes = "lmdb:notes"\n');
    expect(await shell.run("config check ./other.toml")).toEqual({
      code: 0,
      stdout: "./other.toml: no fault\n",
      stderr: "",
    });
    writeFileSync(shell.file("other.toml"), '[log]\nfile = "nowhere/log"\n');
    const { code, stdout } = await shell.run("config check ./other.toml");
    expect([code, stdout]).toEqual([
      1,
      "./other.toml:2:1: file: ./nowhere: no such file or directory (ENOENT)\n",
    ]);
  });

  it("says so where there is none", async () => {
    shell.env.TESSERA_CONFIG = "";
    const { code, stderr } = await shell.run("config check");
    shell.env.TESSERA_CONFIG = undefined;
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("tessera: there is no configuration\nhint: "),
    ]);
  });
});

describe("config show", () => {
  it("prints each value and where it is from, without passwords", async () => {
    configure('[server]\nhost = "192.0.2.1"\n[store]\nreplay-cache = "rediss://user:secret@redis.test"\n');
    shell.env.TESSERA_SERVER_GRACE = "9s";
    const { code, stdout } = await shell.run("config show");
    const { values } = JSON.parse((await shell.run("config show --json")).stdout) as {
      values: { key: string }[];
    };
    shell.env.TESSERA_SERVER_GRACE = undefined;
    expect(code).toBe(0);
    const lines = stdout.split("\n").map((line) => line.replaceAll(/ {2,}/g, " "));
    expect(lines).toContain("server.host 192.0.2.1 ./.config/tessera/tessera.toml:2");
    expect(lines).toContain("server.grace 9s TESSERA_SERVER_GRACE");
    expect(lines).toContain("server.as-port 8801 default");
    expect(lines).toContain("store.replay-cache rediss://user:…@redis.test ./.config/tessera/tessera.toml:4");
    expect(stdout).not.toContain("secret");
    expect(values).toContainEqual({ key: "server.grace", value: "9s", from: "TESSERA_SERVER_GRACE" });
    expect(values).toContainEqual({ key: "log.file", value: null, from: "default" });
  });

  it("prints what is said of each realm", async () => {
    configure('[realms."EXAMPLE.TEST"]\nkdc = ["a:1", "b:1"]\n');
    const { stdout } = await withoutVariable("TESSERA_KDC", () => shell.run("config show"));
    expect(stdout).toMatch(
      /\nrealms\."EXAMPLE\.TEST"\.kdc +a:1 b:1 +\.\/\.config\/tessera\/tessera\.toml:2\n/,
    );
  });
});

describe("a command", () => {
  it("asks the KDCs of the principal's realm, with its encryption types", async () => {
    const { as, tgs } = tests.realm.kdc;
    configure(`[realms."EXAMPLE.TEST"]\nkdc = ["127.0.0.1:1", "${as},${tgs}"]\netypes = ["aes128"]\n`);
    await withoutVariable("TESSERA_KDC", async () => {
      const { code, stdout } = await shell.run("kinit --json --password-stdin alice", PASSWORDS.alice);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ etypes: { session: "aes128-cts-hmac-sha256-128" } });
      expect((await shell.run("kvno v/localhost")).code).toBe(0);
      const found = await shell.run(`doctor --address ${tests.realm.v.address}`);
      expect(found.stdout).toMatch(/BAD {2}AS +no server answers at 127\.0\.0\.1:1/);
      // A flag goes before the file.
      const flagged = await shell.run("kinit --kdc 127.0.0.1:3 --password-stdin alice", PASSWORDS.alice);
      expect(flagged.stderr).toContain("no server answers at 127.0.0.1:3");
    });
  });

  it("takes the client's realm, cache and time from the file", async () => {
    configure('[client]\nrealm = "OTHER.TEST"\ncache = "mine"\ntimeout = "5s"\n');
    const { as, tgs } = tests.realm.kdc;
    shell.env.TESSERA_KDC = `${as},${tgs}`;
    const { code, stderr } = await shell.run("kinit --password-stdin alice", PASSWORDS.alice);
    expect([code, stderr]).toEqual([1, expect.stringContaining("KDC_ERR_WRONG_REALM")]);
    await withoutVariable("TESSERA_CCACHE", async () => {
      const listed = await shell.run("klist");
      expect(listed.stderr).toContain("./.config/tessera/mine");
    });
  });

  it("is refused with the first fault of the file, but for help and the like", async () => {
    configure("[server]\nhots = 1\nas-port = -1\n");
    const { code, stdout, stderr } = await shell.run("klist --json");
    expect(code).toBe(1);
    expect(stderr).toBe(
      'tessera: ./.config/tessera/tessera.toml:2:1: no key "hots" in server; did you mean host?\n' +
        "hint: correct it; 1 more: tessera config check; TESSERA_CONFIG= does without it\n",
    );
    expect(JSON.parse(stdout)).toMatchObject({ error: { reason: "configuration" } });
    for (const line of ["klist --help", "version", "completion bash"])
      expect((await shell.run(line)).code).toBe(0);
  });

  it("is refused where others may change the file", async () => {
    configure("");
    chmodSync(shell.file(".config/tessera/tessera.toml"), 0o666);
    const { code, stderr } = await shell.run("klist");
    chmodSync(shell.file(".config/tessera/tessera.toml"), 0o600);
    expect([code, stderr]).toEqual([1, expect.stringContaining("others may change it")]);
  });
});
