import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { CONFIG_KEYS } from "../../../src/cli/config/keys.js";
import { faultless, readFile, readText } from "../../../src/cli/config/read.js";

const PATH = "/etc/tessera/tessera.toml";
const faultsOf = (text: string) =>
  readText(text, PATH).faults.map(({ line, column, text: what }) => `${line}:${column}: ${what}`);

describe("a file without a fault", () => {
  it("gives variables, and what is said of each realm", () => {
    const text = `
# a comment
server.as-port = 88
[server]
tls-cert = "kdc.pem"
trusted-proxy = ["10.0.0.1", "10.0.0.2"]
allow-weak-crypto = true
[store]
notes = "lmdb:notes"
replay-cache = "redis://redis.example.test"
[client]
cache = "FILE:cc"
realm = "EXAMPLE.TEST"
[realms."EXAMPLE.TEST"]
kdc = [
  "kdc1.example.test:8801",  # near
  "kdc2.example.test:8801",
]
ca = "/ca.pem"
[realms.OTHER]
dns = true
`.replace("server.as-port = 88\n[server]\n", "[server]\nas-port = 88\n");
    const { variables, realms } = faultless(readText(text, PATH));
    expect(variables).toEqual({
      TESSERA_SERVER_AS_PORT: "88",
      TESSERA_SERVER_TLS_CERT: "/etc/tessera/kdc.pem",
      TESSERA_SERVER_TRUSTED_PROXY: "10.0.0.1 10.0.0.2",
      TESSERA_SERVER_ALLOW_WEAK_CRYPTO: "true",
      TESSERA_STORE_NOTES: "lmdb:/etc/tessera/notes",
      TESSERA_STORE_REPLAY_CACHE: "redis://redis.example.test",
      TESSERA_CCACHE: "FILE:/etc/tessera/cc",
      TESSERA_REALM: "EXAMPLE.TEST",
    });
    expect(Object.fromEntries(realms)).toEqual({
      "EXAMPLE.TEST": { kdc: ["kdc1.example.test:8801", "kdc2.example.test:8801"], ca: ["/ca.pem"] },
      OTHER: { dns: ["true"] },
    });
  });

  it("may be empty", () => {
    expect(faultless(readText("", PATH))).toEqual({ path: PATH, variables: {}, realms: new Map() });
  });
});

describe("a fault is told with its line and column:", () => {
  it.each([
    ["no TOML", "[server]\nhost = \n", "2:8: no TOML: invalid value"],
    [
      "a key twice",
      '[server]\nhost = "a"\nhost = "b"',
      "3:1: no TOML: trying to redefine an already defined table or value",
    ],
    ["an unknown section", "\n[servr]\n", '2:2: no section "servr"; did you mean server?'],
    [
      "a key outside of sections",
      'kdc = "a:1"',
      '1:1: no section "kdc"; there are server, store, log, metrics, client, realms',
    ],
    ["a section that is none", "server = 1", "1:1: server: expected a table, [server]"],
    ["an unknown key", '[server]\n  hots = "a"', '2:3: no key "hots" in server; did you mean host?'],
    [
      "a key of another section",
      '[server]\nlog = "a"',
      '2:1: no key "log" in server; did you mean log.file?',
    ],
    [
      "behind a value of several lines",
      '[realms.A]\nkdc = [\n "a:1",\n]\n\nkcd = 1',
      '6:1: no key "kcd" in realms; did you mean kdc?',
    ],
    [
      "within a table in one line",
      'server = { host = "a", prot = 1 }',
      '1:24: no key "prot" in server; it has dir, host, as-port',
    ],
    ["a port", "[server]\nas-port = 70000", "2:1: as-port: expected a port from 0 to 65535"],
    ["a port in words", '[server]\nas-port = "http"', "2:1: as-port: expected a port from 0 to 65535"],
    [
      "a time",
      '[server]\ngrace = "soon"',
      "2:1: grace: expected a time such as 10h, 7d, 1d12h or 10:00:00, got soon",
    ],
    [
      "a size",
      '[store]\nreplay-cache-size = "1T"',
      "2:1: replay-cache-size: expected a size such as 256M, from 64 bytes to 64G",
    ],
    ["a store", '[store]\nnotes = "notes"', "2:1: notes: expected TYPE:REST, such as lmdb:DIR"],
    [
      "a switch",
      '[server]\nallow-weak-crypto = "yes"',
      "2:1: allow-weak-crypto: expected true or false, got a text",
    ],
    ["a text", "[server]\nhost = 5", "2:1: host: expected a text in quotes (HOST), got a number"],
    [
      "an empty text",
      '[server]\nhost = ""',
      "2:1: host: expected a text in quotes (HOST), got an empty text",
    ],
    [
      "a list where there is none",
      '[server]\nhost = ["a"]',
      "2:1: host: expected a text in quotes (HOST), got a list",
    ],
    [
      "an empty list",
      "[realms.A]\nkdc = []",
      "2:1: kdc: expected a text in quotes (AS[,TGS]), or a list of them, got an empty list",
    ],
    ["a date", "[server]\nhost = 2026-01-01", "2:1: host: expected a text in quotes (HOST), got a date"],
    ["an address of a KDC", '[realms.A]\nkdc = "8801"', '2:1: kdc: address: expected HOST:PORT, got "8801"'],
    [
      "an encryption type",
      '[realms.A]\netypes = ["rot13"]',
      "2:1: etypes: no encryption type rot13; there are ",
    ],
    ["the name of a realm", '[realms."A B"]\ndns = true', '1:10: "A B" is no name of a realm'],
    [
      "a realm without a table",
      'realms.A = "a:1"',
      '1:8: expected a table for each realm, [realms."EXAMPLE.TEST"]',
    ],
    [
      "KDCs beside DNS",
      '[realms.A]\nkdc = "a:1"\ndns = true',
      "3:1: dns: the KDCs are named by kdc, so that DNS is not asked",
    ],
    ["a certificate without authorities", '[realms.A]\ncert = "c"', "2:1: cert: goes with ca"],
    ["a profile", '[server]\nprofile = "weak"', "2:1: profile: expected textbook or standard"],
    ["a proxy", '[server]\ntrusted-proxy = "proxy"', "2:1: trusted-proxy: expected an IP address, got proxy"],
  ])("%s", (_, text, fault) => {
    const faults = faultsOf(text);
    expect(faults[0]?.startsWith(fault), faults[0]).toBe(true);
    expect(faults).toHaveLength(1);
  });

  it("every one of several, in the order of the file", () => {
    const text = "[server]\nv-port = -1\nhots = 1\n[client]\ntimeout = 0\n";
    expect(faultsOf(text).map((fault) => fault.slice(0, 4))).toEqual(["2:1:", "3:1:", "5:1:"]);
    expect(() => faultless(readText(text, PATH))).toThrow(
      expect.objectContaining({
        message: `${PATH}:2:1: v-port: expected a port from 0 to 65535`,
        hint: "correct it; 2 more: tessera config check; TESSERA_CONFIG= does without it",
      }),
    );
  });
});

describe("a file", () => {
  const folder = () => {
    const dir = mkdtempSync(join(tmpdir(), "tessera-config-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    return join(dir, "tessera.toml");
  };

  it("that others may change is refused", async () => {
    const path = folder();
    writeFileSync(path, "");
    chmodSync(path, 0o664);
    await expect(readFile(path)).rejects.toMatchObject({
      name: "CommandError",
      message: `${path}: others may change it`,
      hint: `chmod go-w ${path}`,
    });
    chmodSync(path, 0o644);
    expect((await readFile(path)).faults).toEqual([]);
  });

  it("that is not there is named", async () => {
    const path = folder();
    await expect(readFile(path)).rejects.toMatchObject({
      name: "CommandError",
      message: expect.stringContaining(`${path}: no such file or directory`),
    });
  });

  it("of any size is not read", async () => {
    const path = folder();
    writeFileSync(path, "#".repeat(256 * 1024 + 1));
    await expect(readFile(path)).rejects.toMatchObject({ name: "CommandError" });
  });
});

it("no two keys share a place or a variable", () => {
  const places = CONFIG_KEYS.map(({ section, name }) => `${section}.${name}`);
  const variables = CONFIG_KEYS.map(({ variable }) => variable);
  expect([new Set(places).size, new Set(variables).size]).toEqual([places.length, places.length]);
});
