/** `doctor --realm`: keys, every KDC, a server's figures, as one command says them. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { servingTests } from "../serving-realm.js";

const tests = servingTests(
  ["kadmin addprinc -randkey probe/kdc"],
  ["kadmin ktadd -norandkey -k ./probe.keytab probe/kdc"],
);
let page = "";
beforeEach(async () => {
  const { addresses, metrics } = await tests.shell.serve("--metrics 0");
  page = `--address ${addresses.v} --page ${metrics}`;
});

interface Found {
  readonly check: string;
  readonly state: string;
  readonly text: string;
  readonly hint?: string;
}

async function doctor(words = ""): Promise<{ code: number | null; found: Found[] }> {
  const { code, stdout } = await tests.shell.run(`doctor --realm --json ${page} ${words}`);
  return { code, found: (JSON.parse(stdout) as { findings: Found[] }).findings };
}

const about = (found: readonly Found[], check: string) =>
  found.filter((one) => one.check === check).map(({ state, text }) => `${state} ${text}`);

describe("doctor --realm", () => {
  it("finds a realm in order: keys, logins, clocks, caches, each with what was compared", async () => {
    const { code, found } = await doctor("--keytab ./probe.keytab");
    expect(found.filter(({ state }) => state === "bad")).toEqual([]);
    expect(code).toBe(0);
    expect(about(found, "keys")).toEqual(["ok krbtgt/EXAMPLE.TEST@EXAMPLE.TEST: kvno 1, 0 days old"]);
    expect(about(found, "keytab")).toContain(
      "ok v/localhost@EXAMPLE.TEST: kvno 1 in ./realm/v.keytab, 1 in the realm",
    );
    expect(about(found, "login")).toEqual([
      expect.stringMatching(/^ok probe\/kdc@EXAMPLE\.TEST at 127\.0\.0\.1:\d+, ticket from /),
    ]);
    expect(about(found, "clocks")).toEqual([expect.stringMatching(/^ok .* apart, limit 5m$/)]);
    expect(about(found, "caches")).toEqual([
      expect.stringMatching(/^ok 127\.0\.0\.1:\d+: full to (?:\w+ \d+ %, )+replay 0 %$/),
    ]);
  });

  it("logs in with V's keytab where no other is named", async () => {
    const { found } = await doctor();
    expect(about(found, "login")).toEqual([expect.stringMatching(/^ok v\/localhost@EXAMPLE\.TEST at /)]);
  });

  it("finds keys that are old, keys that were replaced, and services that end soon", async () => {
    const day = 86_400_000;
    const now = Date.now();
    await tests.shell.run("kadmin cpw -randkey krbtgt/EXAMPLE.TEST");
    await tests.shell.run("kadmin modprinc --expire 10d probe/kdc");
    const { found } = await doctor("--keytab ./probe.keytab");
    expect(about(found, "keys")).toEqual([
      expect.stringMatching(/^ok .*: kvno 2, 0 days old; kvno 1 until /),
    ]);
    expect(about(found, "ends")).toEqual([
      expect.stringMatching(/^note probe\/kdc@EXAMPLE\.TEST: (9|10) days left, /),
    ]);
    tests.shell.now = () => now + 200 * day;
    const later = await doctor("--keytab ./probe.keytab");
    expect(later.code).toBe(1);
    expect(about(later.found, "keys")).toEqual([
      expect.stringMatching(/^note .*: kvno 2, (199|200) days old$/),
    ]);
    expect(about(later.found, "ends")).toEqual([
      expect.stringMatching(/^bad probe\/kdc@EXAMPLE\.TEST: ended, /),
    ]);
  });

  it("finds a keytab that the realm has left behind", async () => {
    await tests.shell.run("kadmin cpw -randkey v/localhost");
    const { code, found } = await doctor();
    expect(code).toBe(1);
    expect(about(found, "keytab")).toContain(
      "bad v/localhost@EXAMPLE.TEST: kvno 1 in ./realm/v.keytab, 2 in the realm",
    );
  });

  it("finds on a page what is down, and what is full", async () => {
    const text = [
      'tessera_store_up{store="principals"} 0',
      "tessera_probe_up 0",
      "tessera_replay_bytes 95",
      "tessera_replay_max_bytes 100",
      "tessera_queue_connections 3",
      'tessera_cache_bytes{cache="tickets"} 1',
      'tessera_cache_max_bytes{cache="tickets"} 4',
    ].join("\n");
    const server = createServer((_, response) => response.end(text));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    page = `--page 127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, found } = await doctor("--keytab ./probe.keytab");
    server.close();
    expect(code).toBe(1);
    expect(about(found, "store")).toEqual([
      expect.stringMatching(/^bad .*: store="principals" does not answer$/),
    ]);
    expect(about(found, "probe")).toEqual([expect.stringMatching(/^bad .*own login fails$/)]);
    expect(about(found, "queue")).toEqual([expect.stringMatching(/^bad .*: 3 connections wait/)]);
    expect(about(found, "caches")).toEqual([expect.stringMatching(/: full to tickets 25 %, replay 95 %$/)]);
    expect(found.filter(({ check, state }) => check === "replay" && state === "bad")).toHaveLength(1);
  });

  it("finds that a page is not there", async () => {
    page = "--page 127.0.0.1:1";
    const { code, found } = await doctor("--keytab ./probe.keytab");
    expect(code).toBe(1);
    expect(about(found, "page")).toEqual([expect.stringMatching(/^bad 127\.0\.0\.1:1: /)]);
  });

  it("says what is wrong with its keytab", async () => {
    writeFileSync(tests.shell.file("other.keytab"), "no keytab", { mode: 0o600 });
    const { code, found } = await doctor("--keytab ./other.keytab");
    expect(code).toBe(1);
    expect(about(found, "logins")).toEqual([expect.stringMatching(/^bad .*other\.keytab/)]);
  });
});
