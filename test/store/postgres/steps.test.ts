/** The steps from one format of a realm's table to the next: each done or not, once, for its realm alone. */
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createStore, openStore } from "../../../src/store/open-store.js";
import { FORMAT } from "../../../src/store/postgres/realm-table.js";
import { makeRealm, makeSteps } from "../../../src/store/postgres/steps.js";
import { PostgresProxy } from "../../support/postgres-proxy.js";
import { HAS_POSTGRES, PostgresServer } from "../../support/postgres-server.js";
import { bytes, text } from "../key-value-store-suite.js";

const OWN_STEPS = new URL("../../../src/store/postgres/migrations/", import.meta.url).pathname;
const NEXT = "0002-notes.sql";

/** What the release before node-pg-migrate made of a realm. */
const EARLIER = `
  CREATE SCHEMA tessera;
  CREATE TABLE tessera.realms (
    realm text COLLATE "C" PRIMARY KEY,
    id integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    format integer NOT NULL);
  CREATE FUNCTION tessera.tell_row() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP <> 'INSERT' THEN PERFORM pg_notify(TG_ARGV[0], OLD.key); END IF;
      IF TG_OP <> 'DELETE' THEN PERFORM pg_notify(TG_ARGV[0], NEW.key); END IF;
      RETURN NULL;
    END $$;
  CREATE FUNCTION tessera.tell_all() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_notify(TG_ARGV[0], '');
      RETURN NULL;
    END $$;
  INSERT INTO tessera.realms (realm, format) VALUES ('A', 1);
  CREATE TABLE tessera.principals_1 (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
  CREATE TRIGGER tell_row AFTER INSERT OR UPDATE OR DELETE ON tessera.principals_1
    FOR EACH ROW EXECUTE FUNCTION tessera.tell_row('tessera_1');
  CREATE TRIGGER tell_all AFTER TRUNCATE ON tessera.principals_1
    FOR EACH STATEMENT EXECUTE FUNCTION tessera.tell_all('tessera_1');
  INSERT INTO tessera.principals_1 VALUES ('a', 'one');`;

describe.skipIf(!HAS_POSTGRES)("the steps of a realm's table", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose](), 60_000);
  beforeEach(() => server.clear());

  test("there are as many as the format says", () => {
    expect(readdirSync(OWN_STEPS)).toHaveLength(FORMAT);
  });

  test("are noted for each realm, and leave neither a lock nor a word behind", async () => {
    const words = (["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name));
    const client = await connected();
    await makeRealm(client, "A");
    await makeRealm(client, "B");
    await makeSteps(client, "A", stepsWith("ALTER TABLE tessera.principals_{id} ADD note text"));
    expect([notes(1), notes(2)]).toEqual(["0001-principals\n0002-notes", "0001-principals"]);
    expect(server.sql("SELECT realm, format FROM tessera.realms ORDER BY 1")).toBe("A|2\nB|1");
    expect([columns(1), columns(2)]).toEqual(["key,value,note", "key,value"]);
    expect(server.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")).toBe("0");
    for (const word of words) expect(word).not.toHaveBeenCalled();
  });

  test("a realm of an earlier release opens for the role that serves, with nothing made for it", async () => {
    server.sql(EARLIER);
    server.sql("CREATE ROLE serves LOGIN; GRANT USAGE ON SCHEMA tessera TO serves");
    server.sql("GRANT SELECT ON tessera.realms TO serves");
    server.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON tessera.principals_1 TO serves");
    const store = await openStore(server.url("A").replace("tessera@", "serves@"));
    onTestFinished(() => store.close());
    await store.update("b", () => bytes("two"));
    expect([text(await store.get("a")), text(await store.get("b"))]).toEqual(["one", "two"]);
    expect(server.sql("SELECT to_regclass('tessera.migrations_1')")).toBe("");
  });

  test("a later one is made for a realm of an earlier release, whose records stay", async () => {
    server.sql(EARLIER);
    await makeSteps(await connected(), "A", stepsWith("ALTER TABLE tessera.principals_{id} ADD note text"));
    expect(notes(1)).toBe("0001-principals\n0002-notes");
    expect(server.sql("SELECT format FROM tessera.realms")).toBe("2");
    expect(server.sql("SELECT key, convert_from(value, 'UTF8'), note FROM tessera.principals_1")).toBe(
      "a|one|",
    );
    await expect(openStore(server.url("A"))).rejects.toMatchObject({ code: "version" });
  });

  test("two that begin at once both end well, and the step is made once", async () => {
    const clients = await Promise.all([connected(), connected()]);
    await Promise.all(clients.map((client) => makeRealm(client, "A")));
    const folder = stepsWith("SELECT pg_sleep(0.05); CREATE TABLE tessera.notes_{id} (note text)");
    await Promise.all(clients.map((client) => makeSteps(client, "A", folder)));
    expect(notes(1)).toBe("0001-principals\n0002-notes");
  });

  test("one that fails leaves nothing behind, and is made by the next who begins", async () => {
    server.sql(EARLIER);
    const client = await connected();
    const broken = stepsWith("ALTER TABLE tessera.principals_{id} ADD note text; SELECT 1 / 0");
    await expect(makeSteps(client, "A", broken)).rejects.toMatchObject({ code: "22012" });
    expect(columns(1)).toBe("key,value");
    expect(server.sql("SELECT format, to_regclass('tessera.migrations_1') FROM tessera.realms")).toBe("1|");
    await makeSteps(client, "A", stepsWith("ALTER TABLE tessera.principals_{id} ADD note text"));
    expect(columns(1)).toBe("key,value,note");
  });

  test("whose connection is lost before the end leaves nothing behind", async () => {
    const proxy = await PostgresProxy.start(server.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    let cuts = 0;
    proxy.onQuery((query, cut) => {
      if (query.includes("UPDATE tessera.realms") && cuts++ === 0) cut();
    });
    const name = `${server.database(proxy.port)}?realm=A`;
    await expect(createStore(name)).rejects.toMatchObject({ name: "StoreError", code: "unavailable" });
    expect(cuts).toBe(1);
    expect(server.sql("SELECT to_regnamespace('tessera')")).toBe("");
    const store = await createStore(name);
    onTestFinished(() => store.close());
    await store.update("a", () => bytes("one"));
    expect(text(await store.get("a"))).toBe("one");
  });

  test("are refused by the server's own code to who may not make them", async () => {
    server.sql(EARLIER);
    server.sql("INSERT INTO tessera.realms (realm, format) VALUES ('B', 0)");
    server.sql("CREATE ROLE makes_none LOGIN; GRANT USAGE ON SCHEMA tessera TO makes_none");
    server.sql("GRANT SELECT ON tessera.realms TO makes_none");
    await expect(openStore(server.url("B").replace("tessera@", "makes_none@"))).rejects.toMatchObject({
      name: "StoreError",
      code: "unavailable",
      message: expect.stringContaining("refuses this user a right"),
    });
  });

  test("are refused by name where they do not begin with those that are noted, or are not there", async () => {
    const client = await connected();
    await makeRealm(client, "A");
    server.sql("UPDATE tessera.migrations_1 SET name = '0001-other'");
    await expect(makeSteps(client, "A")).rejects.toMatchObject({
      name: "StoreError",
      code: "corrupt",
      message: expect.stringContaining("tessera.migrations_1: Not run migration 0001-principals"),
    });
    await expect(makeSteps(client, "A", join(tmpdir(), "tessera-none"))).rejects.toMatchObject({
      name: "StoreError",
      code: "corrupt",
      message: expect.stringContaining("ENOENT"),
    });
  });

  async function connected(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: server.database(), ssl: false });
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  }

  function notes(id: number): string {
    return server.sql(`SELECT name FROM tessera.migrations_${id} ORDER BY id`);
  }

  function columns(id: number): string {
    return server.sql(
      `SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
       WHERE attrelid = 'tessera.principals_${id}'::regclass AND attnum > 0`,
    );
  }
});

/** The steps of a release that has one more. */
function stepsWith(sql: string): string {
  const folder = mkdtempSync(join(tmpdir(), "tessera-steps-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of readdirSync(OWN_STEPS)) copyFileSync(join(OWN_STEPS, name), join(folder, name));
  writeFileSync(join(folder, NEXT), `${sql};\n`);
  return folder;
}
