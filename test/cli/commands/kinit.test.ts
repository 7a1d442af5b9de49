import { readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { settingsFileOf } from "../../../src/realm/realm-directory.js";
import { local } from "../in-process.js";
import { NOON, PASSWORDS, served } from "../served.js";

const tests = served();
const { shell } = tests;
const HOUR = 3_600_000;

describe("kinit", () => {
  it("logs in with a password and says until when", async () => {
    expect(await shell.run("kinit --password-stdin alice", `${PASSWORDS.alice}\n`)).toEqual({
      code: 0,
      stdout: "",
      stderr: `tessera: alice@EXAMPLE.TEST: logged in until ${local(NOON + 10 * HOUR)} (FILE:./cc)\n`,
    });
  });

  it("asks the next KDC of a list where one is away; where all are, it names each and exits with 1", async () => {
    const { as, tgs } = tests.realm.kdc;
    const words = ["kinit", "--password-stdin", "alice", "--kdc"];
    const found = await shell.runWords([...words, `127.0.0.1:1 ${as},${tgs}`], PASSWORDS.alice);
    expect([found.code, found.stderr]).toEqual([0, expect.stringContaining("logged in until")]);
    const { code, stderr } = await shell.runWords([...words, "127.0.0.1:1 127.0.0.1:3"], PASSWORDS.alice);
    expect([code, stderr]).toEqual([
      1,
      "tessera: none of the 2 KDCs answered: " +
        "127.0.0.1:1: no server answers at 127.0.0.1:1 (UNAVAILABLE); " +
        "127.0.0.1:3: no server answers at 127.0.0.1:3 (UNAVAILABLE)\n" +
        "hint: look at each of these servers, and at their addresses (--kdc, TESSERA_KDC)\n",
    ]);
  });

  it("reads the password from a file that only its owner can read", async () => {
    writeFileSync(shell.file("password"), PASSWORDS.alice, { mode: 0o600 });
    expect((await shell.run("kinit --password-file ./password alice")).code).toBe(0);
    writeFileSync(shell.file("wide"), PASSWORDS.alice, { mode: 0o644 });
    const { code, stderr } = await shell.run("kinit --password-file ./wide alice");
    expect([code, stderr]).toEqual([1, expect.stringContaining("open to others (mode 0644)")]);
  });

  it("asks for the life that is wanted, and gives it as JSON", async () => {
    const line = "kinit -l 1h -r 2d --json --password-stdin alice";
    const { code, stdout, stderr } = await shell.run(line, PASSWORDS.alice);
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      cache: "FILE:./cc",
      client: "alice@EXAMPLE.TEST",
      server: "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
      endtime: "2026-03-01T13:00:00.000Z",
      renewTill: "2026-03-03T12:00:00.000Z",
      flags: ["renewable", "initial", "pre-authent"],
      etypes: { session: "des-cbc-md5", ticket: "des-cbc-md5" },
      kvno: 1,
    });
  });

  it("renews a renewable ticket, and refuses to renew another", async () => {
    await tests.login("alice");
    const { code, stderr } = await shell.run("kinit -R");
    expect(code).toBe(1);
    expect(stderr).toMatch(/\(KDC_ERR_BADOPTION, 13\)\n(?:.*\n)?hint: only a renewable ticket is renewed/);
    await tests.login("alice", "-l 1h -r 2d");
    tests.realm.advance("30m");
    const renewed = await shell.run("kinit -R --json");
    expect(JSON.parse(renewed.stdout)).toMatchObject({ endtime: "2026-03-01T13:30:00.000Z" });
  });

  it("logs in with the key of a keytab, its first principal's unless one is named", async () => {
    writeFileSync(shell.file("v.keytab"), await tests.realm.keytab("v/localhost"), { mode: 0o600 });
    const first = await shell.run("kinit -k -t ./v.keytab -c ./cc2");
    expect([first.code, first.stderr]).toEqual([
      0,
      expect.stringContaining("v/localhost@EXAMPLE.TEST: logged in until"),
    ]);
    shell.env.TESSERA_KEYTAB = `FILE:${shell.file("v.keytab")}`;
    expect((await shell.run("kinit -k -c ./cc2 v/localhost")).code).toBe(0);
    const none = await shell.run("kinit -k -c ./cc2 alice");
    shell.env.TESSERA_KEYTAB = undefined;
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringMatching(/^tessera: \.\/v\.keytab: holds no key of alice@EXAMPLE\.TEST.*\nhint: /),
    ]);
  });

  it("is told who is meant by the cache where nobody is named", async () => {
    await tests.login("bob");
    const { stderr } = await shell.run("kinit --password-stdin", PASSWORDS.bob);
    expect(stderr).toContain("bob@EXAMPLE.TEST: logged in");
  });

  it("remembers what the KDC advised beside the cache, and a logout leaves it", async () => {
    const from = tests.realm.log.length;
    await tests.realm.addUser("carol", "cherry", [20]);
    const line = "kinit --password-stdin -c ./other carol";
    expect((await shell.run(line, "cherry")).code).toBe(0);
    await shell.run("kdestroy -c ./other");
    expect((await shell.run(line, "cherry")).code).toBe(0);
    const results = tests.realm.log.slice(from).map(({ result }) => result);
    expect(results).toEqual(["KDC_ERR_PREAUTH_REQUIRED", "OK", "OK"]);
    expect(statSync(shell.file("other.advice")).mode & 0o777).toBe(0o600);
  });

  it("says with -V who logs in, into which cache, and with which encryption types", async () => {
    const { code, stderr } = await shell.run("kinit -V --password-stdin alice", PASSWORDS.alice);
    expect([code, stderr.split("\n")]).toEqual([
      0,
      [
        "tessera: principal: alice@EXAMPLE.TEST",
        "tessera: cache: FILE:./cc",
        `tessera: alice@EXAMPLE.TEST: logged in until ${local(tests.realm.now + 10 * HOUR)} (FILE:./cc)`,
        "tessera: krbtgt/EXAMPLE.TEST@EXAMPLE.TEST: session key des-cbc-md5, ticket des-cbc-md5",
        "",
      ],
    ]);
  });

  it("gets with -S a ticket for a service too, from the TGS", async () => {
    const from = tests.realm.log.length;
    const { code, stderr } = await shell.run("kinit -S v/localhost --password-stdin alice", PASSWORDS.alice);
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("\ntessera: ticket for v/localhost@EXAMPLE.TEST"),
    ]);
    expect(tests.realm.log.slice(from).map(({ exchange, result }) => `${exchange} ${result}`)).toEqual([
      "AS OK",
      "TGS OK",
    ]);
    const { stdout } = await shell.run("kinit --json -S v/localhost --password-stdin alice", PASSWORDS.alice);
    expect(JSON.parse(stdout)).toMatchObject({
      server: "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
      service: { server: "v/localhost@EXAMPLE.TEST", kvno: 1 },
    });
  });

  it("asks nobody for -S of the TGS, whose ticket a login is", async () => {
    const from = tests.realm.log.length;
    await shell.run("kinit -S krbtgt/EXAMPLE.TEST --password-stdin alice", PASSWORDS.alice);
    expect(tests.realm.log.slice(from).map(({ exchange }) => exchange)).toEqual(["AS"]);
  });

  it("says with -S that it logged in, where the service is refused", async () => {
    const { code, stderr } = await shell.run("kinit -S no/such --password-stdin alice", PASSWORDS.alice);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /^tessera: alice@.*logged in until.*\ntessera: .*\(KDC_ERR_S_PRINCIPAL_UNKNOWN, 7\)/,
      ),
    ]);
    expect((await shell.run("klist -s")).code).toBe(0);
  });

  it.each([
    ["-f", "there is no option -f here: tickets can't be forwarded"],
    ["-A", "there is no option -A here: tickets hold no addresses anyway: leave it out"],
    ["-n", "there is no option -n here: there are no anonymous logins"],
    ["-fp", "there is no option -f here"],
  ])("says of MIT's %s what to do instead", async (letter, text) => {
    const { code, stderr } = await shell.run(`kinit ${letter} alice`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  });

  it("is refused with a wrong password by the refusal's name, with a hint", async () => {
    const { code, stdout, stderr } = await shell.run("kinit --password-stdin alice", "wrong\n");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^tessera: .* \(KDC_ERR_PREAUTH_FAILED, 24\)\n(?:.*\n)?hint: check the name and/);
    const asJson = await shell.run("kinit --json --password-stdin alice", "wrong\n");
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      error: { reason: "KDC_ERR_PREAUTH_FAILED", code: 24, hint: expect.any(String) },
    });
  });

  it.each([
    ["-R with a principal", "-R alice", "-R renews the ticket in the cache"],
    ["-R with a service", "-R -S v/localhost", "-R renews the ticket in the cache"],
    ["a service that is none", "-S v@v@v alice", "-S: not a principal of the form"],
    ["a life that is none", "-l soon alice", "-l: expected a time such as 10h"],
    ["an encryption type that is none", "-e rot13 alice", "no encryption type rot13"],
    ["an address that is none", "--kdc 8801 alice", 'expected HOST:PORT, got "8801"'],
    ["two sources of a password", "--password-stdin --password-file ./p alice", "choose one"],
    ["a name that is none", "al@ice@EXAMPLE.TEST", "principal: not a principal of the form"],
  ])("is used wrongly with %s", async (_, words, text) => {
    const { code, stdout, stderr } = await shell.run(`kinit ${words}`, "x");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(text);
    expect(stderr).toMatch(/\ntessera: `tessera kinit --help` shows options and examples\n$/);
  });

  it.each([
    ["no keytab", "-k alice", "", /^tessera: no keytab is named\nhint: give one: -t FILE/],
    ["an empty password", "--password-stdin alice", "\n", /^tessera: the password is empty\n$/],
    ["two lines of password", "--password-stdin alice", "a\nb", /^tessera: stdin: expected one line/],
    ["a password that is no text", "--password-stdin alice", Uint8Array.of(0xff), /not valid UTF-8\n$/],
    [
      "another type of cache",
      "-c KEYRING:x alice",
      "",
      /^tessera: credential cache: KEYRING: is not supported here; give FILE:PATH or a path\n$/,
    ],
  ])("fails with %s", async (_, words, stdin, text) => {
    const { code, stdout, stderr } = await shell.runWords(["kinit", ...words.split(" ")], stdin);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(text);
  });

  it("names the address at which no server answers", async () => {
    const { code, stderr } = await shell.run("kinit --kdc 127.0.0.1:1 --password-stdin alice", "x");
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^tessera: no server answers at 127\.0\.0\.1:1 \(UNAVAILABLE\)\nhint: is the server up/,
    );
  });
});

describe("the first proof of a password", () => {
  it("is under AES where no realm's folder says textbook, and under DES where an option does", async () => {
    const env = { ...shell.env };
    shell.env.TESSERA_REALM_DIR = shell.file("nowhere");
    const told = await shell.run("kinit --password-stdin alice", PASSWORDS.alice);
    expect([told.code, told.stderr]).toEqual([
      1,
      expect.stringContaining("compared: offered=3, accepted=20 19"),
    ]);
    expect((await shell.run("kinit -e des --password-stdin alice", PASSWORDS.alice)).code).toBe(0);
    Object.assign(shell.env, env);
  });

  it("is under AES where the folder is another realm's", async () => {
    const file = settingsFileOf(shell.env.TESSERA_REALM_DIR!);
    const own = readFileSync(file, "utf8");
    writeFileSync(file, own.replace("EXAMPLE.TEST", "OTHER.TEST"));
    const { code, stderr } = await shell.run("kinit --password-stdin alice@EXAMPLE.TEST", PASSWORDS.alice);
    writeFileSync(file, own);
    expect([code, stderr]).toEqual([1, expect.stringContaining("compared: offered=3, accepted=20 19")]);
  });
});
