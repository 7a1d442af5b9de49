/** `tessera trace` around a command or a program, of a recorded trace, and as a page. */
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { KerberosClient, profileEtypes, type TraceEvent } from "../../../src/client/index.js";
import { openWorld, SERVICE } from "../../services/guard/world.js";
import { PASSWORDS, served } from "../served.js";

const tests = served();
const { shell } = tests;

beforeAll(async () => {
  writeFileSync(shell.file("v.keytab"), await tests.realm.keytab("v/localhost"), { mode: 0o600 });
  writeFileSync(shell.file("password"), PASSWORDS.alice, { mode: 0o600 });
});
afterEach(() => tests.login("alice"));

/** The session keys of the cache, in hex. */
async function sessionKeys(): Promise<string[]> {
  const { stdout } = await shell.run("decode --json --show-keys ./cc");
  const { tree } = JSON.parse(stdout);
  const bytes = readFileSync(shell.file("cc"));
  const keys: string[] = [];
  const walk = (node: { kind: string; at: number; length: number; children: [] }): void => {
    if (node.kind === "key") keys.push(bytes.toString("hex", node.at, node.at + node.length));
    node.children.forEach(walk);
  };
  walk(tree);
  return keys;
}

describe("trace around a command", () => {
  it("shows what it did, opened with the tickets of the cache, after what it printed", async () => {
    await tests.login("alice");
    const { code, stdout, stderr } = await shell.run("trace -- kvno v/localhost");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^v\/localhost@EXAMPLE\.TEST: kvno = 1\n\(3\) C → TGS: /);
    expect(stdout).toMatch(/\(4\) TGS → C[\s\S]*key +K_c,v +\[redacted\] des-cbc-md5, 8 bytes/);
  });

  it("opens a login with its password, and what V holds with V's keytab", async () => {
    const words = `trace --keytab ./v.keytab --password-file ./password -- kinit --password-stdin alice`;
    const login = await shell.run(words, PASSWORDS.alice);
    expect(login.stdout).toMatch(/patimestamp +TS1[\s\S]*\(2\) AS → C[\s\S]*opened by C with K_c/);
    const call = await shell.run(
      `trace --keytab ./v.keytab -- call --address ${tests.realm.v.address} who-am-i`,
    );
    expect(call.stdout).toMatch(
      /\(5\) C → V[\s\S]*opened by V with K_v; closed to C[\s\S]*opened by C, V with K_c,v/,
    );
  });

  it("gives the command's exit code, and shows a refusal where it came", async () => {
    const { code, stdout, stderr } = await shell.run("trace -- kinit --password-stdin alice", "wrong");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^\(1\) C → AS[\s\S]*\n {4}refused: pre-authentication failed/);
    expect(stderr).toContain("(KDC_ERR_PREAUTH_FAILED, 24)");
  });

  it("with --json has stdout for itself, a line a call, and no key unless it is asked for", async () => {
    await tests.login("alice");
    const { stdout, stderr } = await shell.run("trace --json -- kvno v/localhost");
    expect(stderr).toContain("v/localhost@EXAMPLE.TEST: kvno = 1\n");
    const [call, ...more] = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(more).toEqual([]);
    expect(call).toMatchObject({ path: "/kerberos.v1.TicketGrantingService/GrantTicket", outcome: "OK" });
    expect(call.messages.map(({ rfc }: { rfc: string }) => rfc)).toEqual(["TGS-REQ", "TGS-REP"]);
    for (const key of await sessionKeys()) expect(stdout).not.toContain(key);
    await tests.login("alice");
    const shown = (await shell.run("trace --json --show-keys -- kvno v/localhost")).stdout;
    const keys = await sessionKeys();
    expect(keys.length).toBeGreaterThan(1);
    expect(shown).toContain(keys[1]!);
  });

  it("says so where no call was made", async () => {
    const { code, stderr } = await shell.run("trace -- klist -s");
    expect([code, stderr]).toEqual([0, "tessera: no call was made\n"]);
  });

  it("runs a program, too, and tells it where to trace", async () => {
    const event: TraceEvent = {
      at: "2026-03-01T12:00:00.000Z",
      pid: 1,
      call: 1,
      path: "/shop.v1.ShopService/Order",
      event: "sent",
      bytes: 3,
    };
    const program = `fs.writeFileSync(process.env.TESSERA_TRACE.replace("json:", ""), '${JSON.stringify(event)}\\n'); process.exit(3)`;
    const { code, stdout } = await shell.runWords(["trace", "--", process.execPath, "-e", program]);
    expect([code, stdout]).toEqual([
      3,
      "/shop.v1.ShopService/Order: the trace ends before it does; 3 bytes sent, 0 bytes received\n\n",
    ]);
  });
});

describe("trace as a page", () => {
  it("is private, and holds a key only if it is asked to", async () => {
    for (const words of ["", "--show-keys"]) {
      await tests.login("alice");
      const { code, stderr } = await shell.run(`trace --page ./page.html ${words} -- kvno v/localhost`);
      expect(code).toBe(0);
      expect(stderr).toContain(words === "" ? "holds no key" : "holds the keys it opens with");
      expect(statSync(shell.file("page.html")).mode & 0o777).toBe(0o600);
      const page = readFileSync(shell.file("page.html"), "utf8");
      const keys = await sessionKeys();
      expect(keys.filter((key) => page.includes(key))).toEqual(words === "" ? [] : keys);
    }
  });
});

describe("trace --from", () => {
  it("shows guarded calls by their proofs, and opens them with the service's keytab", async () => {
    await using world = await openWorld({ sessions: true });
    const events: TraceEvent[] = [];
    using alice = new KerberosClient({
      kdc: world.realm.kdc,
      clock: () => world.realm.now,
      etypes: profileEtypes("textbook"),
      trace: (event) => events.push(event),
    });
    await alice.login(`alice@${world.realm.policy.realm}`, "secret");
    const chat = world.client({ as: alice });
    await chat.say("one");
    await chat.say("two");
    writeFileSync(shell.file("chat.keytab"), await world.realm.keytab(SERVICE), { mode: 0o600 });
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");
    writeFileSync(shell.file("trace.json"), lines, { mode: 0o600 });
    const { code, stdout } = await shell.run("trace --keytab ./chat.keytab --from ./trace.json");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /\n\S+Say: OK; \d+ bytes sent, \d+ bytes received\n {2}kerberos-ap-req-bin\n {2}AP-REQ /,
    );
    expect(stdout).toMatch(/opened with chat\/api\.example\.test@TEST\.EXAMPLE, kvno 1: EncTicketPart\n/);
    expect(stdout).toMatch(/kerberos-ap-rep-bin\n {2}AP-REP /);
    expect(stdout).toMatch(/kerberos-call-bin\n {2}Proof of a call under a session /);
    expect(stdout).toMatch(/kerberos-reply-bin\n {2}Proof of an answer under a session/);
  });

  it.each([
    [
      "a file that holds something else",
      "hello\n",
      1,
      /^tessera: .*other: line 1 is no event of a trace\nhint: /,
    ],
    ["an event whose bytes are none", '{"event":"sent"}\n', 1, /line 1 is no event/],
  ])("fails for %s", async (_, text, code, said) => {
    writeFileSync(shell.file("other"), text, { mode: 0o600 });
    const outcome = await shell.run("trace --from ./other");
    expect([outcome.code, outcome.stdout, outcome.stderr]).toEqual([code, "", expect.stringMatching(said)]);
  });

  it("fails for a recording that others can read", async () => {
    writeFileSync(shell.file("open"), "");
    chmodSync(shell.file("open"), 0o644);
    const { code, stderr } = await shell.run("trace --from ./open");
    expect([code, stderr]).toEqual([1, expect.stringContaining("open to others")]);
  });
});

it.each([
  ["nothing to trace", "trace", "an argument is missing"],
  ["two things to trace", "trace --from ./x alice", "--from takes no principal and no command"],
])("is used wrongly with %s", async (_, words, text) => {
  const { code, stdout, stderr } = await shell.run(words);
  expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(text)]);
});

it.each(["no-such-program x", "./no-such-program"])("fails for `%s`, which is no program", async (words) => {
  const { code, stderr } = await shell.run(`trace -- ${words}`);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("no-such-program: neither a command of tessera nor a"),
  ]);
});
