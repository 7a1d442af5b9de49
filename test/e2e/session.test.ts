/** A whole session, each command typed as a user types it, against servers in a process of their own. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCredentialCache } from "../../src/formats/ccache.js";
import { parseKeytab } from "../../src/formats/keytab.js";
import { Shell } from "../cli/command.js";

const PASSWORD = "a horse of another colour";
const shell = new Shell();
let server: ChildProcessWithoutNullStreams;
let address = "";
const log: string[] = [];

interface Ready {
  readonly ready: boolean;
  readonly addresses: Readonly<Record<"as" | "tgs" | "v", string>>;
}

beforeAll(async () => {
  const made = await shell.run("realm create");
  expect(made.stdout).toMatch(/^realm EXAMPLE.TEST \(textbook\) made in/);
  expect(made.stderr).toContain("weak encryption");
  await shell.run("kadmin addprinc --password-stdin alice", `${PASSWORD}\n`);
  server = shell.start("serve --as-port 0 --tgs-port 0 --v-port 0".split(" "));
  const lines = createInterface(server.stdout);
  const [first] = (await once(lines, "line")) as [string];
  lines.on("line", (line) => log.push(line));
  const { ready, addresses } = JSON.parse(first) as Ready;
  expect(ready).toBe(true);
  shell.env.TESSERA_KDC = `${addresses.as},${addresses.tgs}`;
  address = addresses.v;
});

afterAll(() => {
  server?.kill("SIGKILL");
  shell.remove();
});

describe("a session", () => {
  it("names a wrong password as such, with a hint", async () => {
    const { code, stderr } = await shell.run("kinit --password-stdin alice", "wrong\n");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^tessera: pre-authentication failed.* \(KDC_ERR_PREAUTH_FAILED, 24\)\nhint: check the/,
    );
  });

  it("logs in", async () => {
    const { code, stdout, stderr } = await shell.run("kinit --password-stdin alice", `${PASSWORD}\n`);
    // This line alone: nothing to warn of.
    expect(stderr).toMatch(/^tessera: alice@EXAMPLE.TEST: logged in until \d{4}-.*\n$/);
    expect([code, stdout]).toEqual([0, ""]);
    expect(statSync(join(shell.dir, "cc")).mode & 0o777).toBe(0o600);
  });

  it("gets a ticket for V, and traces how", async () => {
    shell.env.TESSERA_TRACE = join(shell.dir, "trace");
    const { code, stdout } = await shell.run("kvno v/localhost");
    shell.env.TESSERA_TRACE = undefined;
    expect([code, stdout]).toEqual([0, "v/localhost@EXAMPLE.TEST: kvno = 1\n"]);
    const trace = readFileSync(join(shell.dir, "trace"), "utf8");
    expect(trace).toMatch(/GrantTicket -> \d+ bytes\n.*GrantTicket <- OK, \d+ bytes, [\d.]+ ms\n$/);
  });

  it("traces to stderr, as lines of JSON", async () => {
    shell.env.TESSERA_TRACE = "json:-";
    const { code, stderr } = await shell.run("kvno krbtgt/EXAMPLE.TEST");
    const login = await shell.run("kinit --password-stdin alice", `${PASSWORD}\n`);
    shell.env.TESSERA_TRACE = undefined;
    // A ticket that is at hand takes no call.
    expect([code, stderr]).toEqual([0, ""]);
    const events = login.stderr.split("\n").filter((line) => line.startsWith("{"));
    expect(events.map((line) => JSON.parse(line).event)).toEqual(["sent", "received", "ended"]);
    expect((await shell.run("kvno v/localhost")).code).toBe(0);
  });

  it("lists the tickets", async () => {
    const { stdout } = await shell.run("klist -e -f");
    expect(stdout).toMatch(/^Ticket cache: FILE:.*\nDefault principal: alice@EXAMPLE.TEST\n\nValid starting/);
    expect(stdout).toMatch(
      /krbtgt\/EXAMPLE.TEST@EXAMPLE.TEST\n\tFlags: IA\n\tEtype \(skey, tkt\): des-cbc-md5, des-cbc-md5/,
    );
    expect((await shell.run("klist -s")).code).toBe(0);
  });

  it("calls V", async () => {
    const put = await shell.runWords([
      "call",
      "--address",
      address,
      "put-note",
      "name=a",
      "text=sealed = yes",
    ]);
    expect(put.code, put.stderr).toBe(0);
    const { stdout } = await shell.run(`call --address ${address} get-note name=a --json`);
    expect(JSON.parse(stdout)).toMatchObject({ note: { name: "a", text: "sealed = yes" } });
    const missing = await shell.run(`call --address ${address} get-note name=b`);
    expect([missing.code, missing.stderr]).toEqual([1, "tessera: you have no note named b (NOT_FOUND)\n"]);
  });

  it("opens a ticket with the service's keytab, and keeps the session key to itself", async () => {
    const { stdout: ticket } = await shell.run("klist -T v/localhost");
    const opened = await shell.run("decode --keytab realm/v.keytab -", ticket);
    expect(opened.stdout).toMatch(/^Ticket \(kerberos.v1.Ticket\)/);
    expect(opened.stdout).toMatch(/client +alice@EXAMPLE.TEST/);
    expect(opened.stdout).toMatch(/key +\[redacted\] des-cbc-md5/);
    const closed = await shell.run("decode --key aes128:00112233445566778899aabbccddeeff -", ticket);
    expect(closed.stdout).toContain("closed: it is sealed under des-cbc-md5; the keys given are of aes128");
  });

  it("disables a user while the servers run", async () => {
    expect((await shell.run("kadmin modprinc --disable alice")).code).toBe(0);
    const { stderr } = await shell.run("kinit -c other-cc --password-stdin alice", `${PASSWORD}\n`);
    expect(stderr).toContain("KDC_ERR_CLIENT_REVOKED, 18");
    const { stdout } = await shell.run("kadmin getprinc alice");
    expect(stdout).toMatch(
      /State: +disabled[\s\S]*Key: +kvno 1, des-cbc-md5 \(weak\)\n[\s\S]*Failures: +1 since/,
    );
  });

  it("ends on SIGTERM, and the client then says which address has no server", async () => {
    server.kill("SIGTERM");
    const [code] = await once(server, "exit");
    expect(code).toBe(0);
    const { code: refused, stderr } = await shell.run("kvno v/elsewhere");
    expect(refused).toBe(1);
    expect(stderr).toMatch(
      /^tessera: no server answers at 127.0.0.1:\d+ \(UNAVAILABLE\)\nhint: is the server up/,
    );
  });

  it("logged one line per exchange", () => {
    const records = log.map(
      (line) => JSON.parse(line) as { exchange: string; result: string; client: string },
    );
    const results = records.map(({ exchange, result }) => `${exchange} ${result}`);
    for (const expected of ["AS OK", "AS KDC_ERR_PREAUTH_FAILED", "TGS OK", "V OK"])
      expect(results).toContain(expected);
  });

  it("leaked no password and no key", () => {
    const keys = [
      ...parseKeytab(readFileSync(join(shell.dir, "realm", "v.keytab"))).map(({ key }) => key),
      ...parseCredentialCache(readFileSync(join(shell.dir, "cc"))).credentials.map(({ key }) => key),
    ].map((key) => Buffer.from(key.exportBytes()));
    expect(keys.length).toBeGreaterThanOrEqual(3);
    const secrets = [
      PASSWORD,
      ...keys.flatMap((key) => [key.toString("hex"), key.toString("base64"), key.toString("latin1")]),
    ];
    for (const secret of secrets) expect(shell.printed.includes(secret)).toBe(false);
    const files = readdirSync(join(shell.dir, "realm"), { recursive: true, encoding: "utf8" })
      .map((name) => join(shell.dir, "realm", name))
      .filter((path) => statSync(path).isFile() && !path.endsWith("v.keytab"));
    expect(files.length).toBeGreaterThan(4);
    for (const file of files) {
      const bytes = readFileSync(file);
      expect(bytes.includes(PASSWORD), file).toBe(false);
      for (const key of keys) expect(bytes.includes(key), file).toBe(false);
    }
  });

  it("logs out", async () => {
    expect((await shell.run("kdestroy")).code).toBe(0);
    expect((await shell.run("klist -s")).code).toBe(1);
    expect(readdirSync(shell.dir)).not.toContain("cc");
  });
});
