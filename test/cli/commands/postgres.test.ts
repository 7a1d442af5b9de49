/** The command on a realm whose principals are in PostgreSQL. */
import { copyFileSync, cpSync, existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { HAS_POSTGRES, PostgresServer } from "../../support/postgres-server.js";
import { InProcess } from "../in-process.js";

describe.skipIf(!HAS_POSTGRES)("with PostgreSQL", () => {
  let server: PostgresServer;
  let shell: InProcess;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose](), 60_000);
  beforeEach(() => {
    server.clear();
    shell = new InProcess();
    onTestFinished(() => shell.remove());
  });
  /** The database's URL with a password, which this server does not ask for. */
  const url = () => server.database().replace("tessera@", "tessera:hunter2@");
  const create = () => shell.run(`realm create --profile standard --database ${url()}`);

  it("realm create makes a realm there, and shows no password", async () => {
    const { code, stdout, stderr } = await create();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`\n  principals in ${server.database()}\n`);
    expect(stdout).not.toContain("hunter2");
    expect(existsSync(shell.file("realm/principals"))).toBe(false);
    expect(JSON.parse(readFileSync(shell.file("realm/realm.json"), "utf8")).database).toBe(url());
  });

  it("realm show names the database, and shows no password", async () => {
    await create();
    const text = await shell.run("realm show");
    expect(text.stdout.replaceAll(/ {2,}/g, " ")).toContain(`\ndatabase ${server.database()}\n`);
    expect(text.stdout).toMatch(/^principals +2$/m);
    const json = await shell.run("realm show --json");
    expect(JSON.parse(json.stdout)).toMatchObject({ database: server.database(), principals: 2 });
    expect(text.stdout + json.stdout).not.toContain("hunter2");
  });

  it("kadmin adds, changes, lists and deletes principals there", async () => {
    await create();
    expect((await shell.run("kadmin addprinc -randkey db/host")).code).toBe(0);
    expect((await shell.run("kadmin addprinc --password-stdin alice", "secret\n")).code).toBe(0);
    expect((await shell.run("kadmin modprinc --disable alice")).code).toBe(0);
    expect((await shell.run("kadmin getprinc alice")).stdout).toMatch(/disabled/);
    expect((await shell.run("kadmin delprinc -force db/host")).code).toBe(0);
    expect((await shell.run("kadmin listprincs")).stdout.trimEnd().split("\n")).toEqual([
      "alice@EXAMPLE.TEST",
      "krbtgt/EXAMPLE.TEST@EXAMPLE.TEST",
      "v/localhost@EXAMPLE.TEST",
    ]);
  });

  it("realm new-master-key --begin puts the new key beside the old one; without it, it goes on", async () => {
    await create();
    const begun = await shell.run("realm new-master-key --begin");
    expect(begun.stdout).toMatch(/^master\.key holds the new key and the old one: copy it/);
    expect((await shell.run("realm new-master-key --begin")).stdout).toMatch(/^a roll-over is under way/);
    expect((await shell.run("realm new-master-key --begin --json")).stdout).toMatch(/"begun": ?false/);
    const done = await shell.run("realm new-master-key");
    expect(done.stdout).toBe("realm EXAMPLE.TEST: 2 records sealed under the new master key\n");
    expect(done.stderr).toMatch(/copy master\.key to the realm's other machines/);
    expect((await shell.run("kadmin listprincs")).code).toBe(0);
  });

  it("every command says where its master key is not the one that another machine made", async () => {
    await create();
    cpSync(shell.file("realm"), shell.file("other"), { recursive: true });
    expect((await shell.run("realm new-master-key --dir ./other")).code).toBe(0);
    for (const line of [
      "kadmin addprinc -randkey db/host",
      "kadmin listprincs",
      "realm show",
      "realm check",
      "realm dump ./a.dump",
      "realm new-master-key",
      "doctor",
      "serve",
    ]) {
      const { code, stdout, stderr } = await shell.run(line);
      const text = stdout + stderr;
      expect([line, code, text]).toEqual([line, 1, expect.stringContaining("under another master key")]);
      expect([line, text]).toEqual([line, expect.stringContaining("copy it from there")]);
    }
    copyFileSync(shell.file("other/master.key"), shell.file("realm/master.key"));
    expect((await shell.run("realm check")).stdout).toContain("2 principals, every record opens");
  });

  it("doctor looks at the database, says what a failover may cost, and that it is away", async () => {
    await create();
    const found = (await shell.run("doctor")).stdout
      .split("\n")
      .map((line) => line.replaceAll(/ {2,}/g, " "));
    expect(found).toContainEqual(
      expect.stringMatching(
        /^ok database PostgreSQL at 127\.0\.0\.1:\d+, database realms: primary, \d+\.\d+, standbys 0, waited for 0$/,
      ),
    );
    expect(found).toContainEqual(
      expect.stringMatching(/^note database .* a failover may lose the last ones$/),
    );
    expect(found).toContain("ok principals 2, every record opens");
    await server.stop();
    try {
      const { code, stdout } = await shell.run("doctor");
      expect(code).toBe(1);
      expect(stdout).toMatch(/^BAD {2}database +PostgreSQL at .*: does not answer/m);
      expect(stdout).not.toContain("hunter2");
    } finally {
      await server.begin();
    }
  });

  it("refuses a URL of another form as wrong usage, and a database that is away, without a password", async () => {
    for (const bad of [
      "mysql://kdc:hunter2@h/d",
      "postgres://kdc:hunter2@h",
      `${url()}?realm=X`,
      `${url()}?x=1`,
    ]) {
      const { code, stderr } = await shell.run(`realm create --database ${bad}`);
      expect([code, stderr]).toEqual([2, expect.stringContaining("--database: ")]);
      expect(stderr).not.toContain("hunter2");
    }
    const away = "postgres://kdc:hunter2@127.0.0.1:1/d";
    const { code, stderr } = await shell.run(`realm create --database ${away}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining("127.0.0.1:1, database d: does not answer")]);
    expect(stderr).not.toContain("hunter2");
    expect(existsSync(shell.file("realm"))).toBe(false);
  });

  it("serve keeps no notes there", async () => {
    await create();
    const { code, stderr } = await shell.run(`serve v --notes ${server.url("EXAMPLE.TEST")}`);
    expect([code, stderr]).toEqual([1, expect.stringContaining("PostgreSQL keeps principals alone")]);
  });
});
