/** PostgreSQL keeps records as the other stores do, and refuses by name what is not fit for it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import type { KeyValueStore } from "../../../src/store/key-value-store.js";
import { createStore, openStore } from "../../../src/store/open-store.js";
import { openReplayCache } from "../../../src/store/replay/open-replay-cache.js";
import { HAS_POSTGRES, PostgresServer } from "../../support/postgres-server.js";
import { HAS_OPENSSL, makeCertificate } from "../../support/wire-tls.js";
import { all, bytes, increment, keyValueStoreSuite, text } from "../key-value-store-suite.js";

describe.skipIf(!HAS_POSTGRES)("PostgreSQL", () => {
  let server: PostgresServer;
  let realms = 0;
  const newRealm = () => `TEST-${realms++}`;
  const opened = async (realm = newRealm(), query = ""): Promise<KeyValueStore> => {
    const store = await createStore(server.url(realm, query));
    onTestFinished(() => store.close());
    return store;
  };

  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose](), 60_000);

  keyValueStoreSuite("postgres:", () => opened());

  describe("across processes and machines", () => {
    it("loses no change when two stores change the same key", async () => {
      const realm = newRealm();
      const stores = [await opened(realm), await opened(realm)];
      const changes = stores.flatMap((store) =>
        Array.from({ length: 50 }, () => store.update("shared", increment)),
      );
      await Promise.all(changes);
      expect(text(await stores[0]!.get("shared"))).toBe("100");
    });

    it("scans more records than a page has, in order, each once", async () => {
      const realm = newRealm();
      const store = await opened(realm);
      const { table } = rowOf(realm);
      server.sql(
        `INSERT INTO tessera.${table} SELECT 'k' || lpad(i::text, 5, '0'), 'x' FROM generate_series(1, 2500) i`,
      );
      await store.update("l", () => bytes("after"));
      const keys = (await all(store, "k")).map(([key]) => key);
      expect(keys).toHaveLength(2500);
      expect(keys).toEqual([...keys].sort());
    });

    it("counts more records than one statement counts", async () => {
      const realm = newRealm();
      const store = await opened(realm);
      const { table } = rowOf(realm);
      server.sql(
        `INSERT INTO tessera.${table} SELECT 'k' || lpad(i::text, 6, '0'), 'x' FROM generate_series(1, 100000) i`,
      );
      expect(await store.scan("k").count()).toBe(100_000);
      await store.update("l", () => bytes("after"));
      expect([await store.scan("k").count(), await store.scan("").count()]).toEqual([100_000, 100_001]);
    });

    it("keeps realms apart", async () => {
      const [one, other] = [await opened(), await opened()];
      await one.update("a", () => bytes("one"));
      expect(await other.get("a")).toBeUndefined();
      expect(await all(other, "")).toEqual([]);
    });

    it("writes many in one step: those that are there stay or are replaced, and what is the same is not written", async () => {
      const realm = newRealm();
      const store = await opened(realm);
      const { table } = rowOf(realm);
      const rows = () =>
        server.sql(`SELECT key, convert_from(value, 'UTF8') FROM tessera.${table} ORDER BY 1`);
      const write = (records: Record<string, string>, onExisting: "keep" | "replace") =>
        store.writeAll!(
          Object.entries(records).map(([key, value]) => [key, bytes(value)]),
          onExisting,
        );
      await write({ a: "1", b: "1" }, "keep");
      await write({ b: "2", c: "2" }, "keep");
      expect(rows()).toBe("a|1\nb|1\nc|2");
      const before = server.sql(`SELECT xmin FROM tessera.${table} WHERE key = 'a'`);
      await write({ a: "1", b: "3", d: "3" }, "replace");
      expect(rows()).toBe("a|1\nb|3\nc|2\nd|3");
      expect(server.sql(`SELECT xmin FROM tessera.${table} WHERE key = 'a'`)).toBe(before);
      const together = `SELECT count(DISTINCT xmin::text) FROM tessera.${table} WHERE key IN ('b', 'd')`;
      expect(server.sql(together)).toBe("1");
      await expect(write({ e: "4", "f\0g": "4" }, "replace")).rejects.toBeInstanceOf(RangeError);
      expect(await store.get("e")).toBeUndefined();
    });

    it("refuses a key that PostgreSQL can't hold", async () => {
      const store = await opened();
      await expect(store.get("a\0b")).rejects.toBeInstanceOf(RangeError);
      await expect(store.update("a\0b", increment)).rejects.toBeInstanceOf(RangeError);
    });
  });

  describe("refuses", () => {
    it("a database of another realm, or of none, naming what it has", async () => {
      const realm = newRealm();
      await opened(realm);
      await expect(openStore(server.url("OTHER.TEST"))).rejects.toMatchObject({
        name: "StoreError",
        code: "missing",
        message: expect.stringMatching(/has the realm .*TEST-.* and not OTHER\.TEST/),
      });
      server.sql("CREATE DATABASE empty");
      const elsewhere = server.url("OTHER.TEST").replace("/realms?", "/empty?");
      await expect(openStore(elsewhere)).rejects.toMatchObject({
        code: "missing",
        message: expect.stringContaining("no realm at all"),
      });
      await expect(openStore(elsewhere.replace("/empty?", "/absent?"))).rejects.toMatchObject({
        code: "missing",
        message: expect.stringContaining('database "absent" does not exist'),
      });
    });

    it("the table of a newer release", async () => {
      const realm = newRealm();
      await opened(realm);
      server.sql(`UPDATE tessera.realms SET format = 2 WHERE realm = '${realm}'`);
      await expect(openStore(server.url(realm))).rejects.toMatchObject({ code: "version" });
    });

    it("a table without its triggers, or none, after a restore that was left half done", async () => {
      const realm = newRealm();
      const store = await opened(realm);
      const { table } = rowOf(realm);
      server.sql(`ALTER TABLE tessera.${table} DISABLE TRIGGER tell_row`);
      await expect(openStore(server.url(realm))).rejects.toMatchObject({
        code: "corrupt",
        message: expect.stringContaining("lacks its triggers"),
      });
      server.sql(`DROP TABLE tessera.${table}`);
      await expect(openStore(server.url(realm))).rejects.toMatchObject({
        code: "corrupt",
        message: expect.stringContaining("has no table"),
      });
      await expect(store.get("a")).rejects.toMatchObject({ code: "corrupt" });
    });

    it("to leave a step half done: the next who opens does it", async () => {
      const realm = newRealm();
      const store = await opened(realm);
      await store.update("a", () => bytes("kept"));
      const other = newRealm();
      server.sql(`INSERT INTO tessera.realms (realm, format) VALUES ('${other}', 0)`);
      const both = await Promise.all([openStore(server.url(other)), openStore(server.url(other))]);
      for (const one of both) await one.update("n", increment);
      expect(text(await both[0].get("n"))).toBe("2");
      for (const one of both) await one.close();
      expect(text(await store.get("a"))).toBe("kept");
    });

    it("a server that may lose what it acknowledged", async () => {
      for (const [name, value] of [
        ["synchronous_commit", "off"],
        ["fsync", "off"],
      ] as const) {
        const realm = newRealm();
        await opened(realm);
        await server.set({ [name]: value });
        onTestFinished(() => server.set({ [name]: "on" }));
        await expect(until(() => openStore(server.url(realm)))).rejects.toMatchObject({
          code: "unsafe",
          message: expect.stringContaining(`${name} off`),
        });
        await server.set({ [name]: "on" });
        await (await until(() => openStore(server.url(realm)), true)).close();
      }
    });

    it("a wrong password, and says where there is none", async () => {
      const realm = newRealm();
      await opened(realm);
      server.sql("CREATE ROLE kdc LOGIN PASSWORD 'right'");
      server.sql("GRANT ALL ON SCHEMA tessera TO kdc");
      server.sql("GRANT ALL ON ALL TABLES IN SCHEMA tessera TO kdc");
      server.write(
        "pg_hba.conf",
        "host all kdc 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n",
      );
      await server.set({});
      const named = (user: string) => server.url(realm).replace("tessera@", `${user}@`);
      const error = await until(() => openStore(named("kdc:wrong"))).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("refuses the password"),
      });
      expect(String(error)).not.toContain("wrong");
      await expect(openStore(named("kdc"))).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("asks for a password"),
      });
      await (await openStore(named("kdc:right"))).close();
    });

    it("a password file that others can read, and takes a private one", async () => {
      const realm = newRealm();
      await opened(realm);
      const folder = mkdtempSync(join(tmpdir(), "tessera-passfile-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const file = join(folder, "pgpass");
      writeFileSync(file, "127.0.0.1:*:realms:kdc:right\n", { mode: 0o644 });
      vi.stubEnv("PGPASSFILE", file);
      onTestFinished(() => void vi.unstubAllEnvs());
      const name = server.url(realm).replace("tessera@", "kdc@");
      await expect(openStore(name)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining(file),
      });
      chmodSync(file, 0o600);
      await (await openStore(name)).close();
      vi.stubEnv("PGPASSFILE", join(folder, "none"));
      await expect(openStore(name)).rejects.toMatchObject({ code: "unavailable" });
      vi.stubEnv("PGPASSWORD", "right");
      await (await openStore(name)).close();
    });

    it("a user without rights to the realm's table", async () => {
      const realm = newRealm();
      await opened(realm);
      server.sql("CREATE ROLE reader LOGIN");
      server.sql("GRANT USAGE ON SCHEMA tessera TO reader");
      const name = server.url(realm).replace("tessera@", "reader@");
      await expect(openStore(name)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("refuses this user a right"),
      });
      server.sql("GRANT SELECT ON ALL TABLES IN SCHEMA tessera TO reader");
      const store = await openStore(name);
      onTestFinished(() => store.close());
      expect(await store.get("a")).toBeUndefined();
      await expect(store.update("a", () => bytes("one"))).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("refuses this user a right"),
      });
    });

    it("a database that keeps text in another encoding", async () => {
      server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
      await expect(createStore(server.url("X").replace("/realms?", "/latin?"))).rejects.toMatchObject({
        code: "unsafe",
        message: expect.stringContaining("keeps text as LATIN1"),
      });
    });

    it("to go without TLS where it is asked for", async () => {
      const realm = newRealm();
      await opened(realm);
      await expect(openStore(server.url(realm, "&sslmode=verify-full"))).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("offers no TLS"),
      });
    });

    it.skipIf(!HAS_OPENSSL)("a certificate of another authority, or for another name", async () => {
      const realm = newRealm();
      await opened(realm);
      const folder = mkdtempSync(join(tmpdir(), "tessera-tls-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const [key, own, other] = ["key", "own", "other"].map((name) =>
        join(folder, `${name}.pem`),
      ) as string[];
      makeCertificate(join(folder, "unused.pem"), other!);
      makeCertificate(key!, own!, "DNS:localhost");
      server.write("server.key", readFileSync(key!, "utf8"));
      server.write("server.crt", readFileSync(own!, "utf8"));
      await server.set({ ssl: "on" });
      onTestFinished(() => server.set({ ssl: "off" }));
      const by = (host: string, query: string) =>
        openStore(server.url(realm, `&${query}`).replace("127.0.0.1", host));
      const store = await until(() => by("localhost", `sslmode=verify-full&sslrootcert=${own}`), true);
      await store.update("a", () => bytes("one"));
      const sealed = "SELECT bool_or(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)";
      expect(server.sql(`${sealed} WHERE application_name = 'tessera ${realm}'`)).toBe("t");
      await store.close();
      await expect(by("localhost", `sslmode=verify-full&sslrootcert=${other}`)).rejects.toMatchObject({
        code: "unavailable",
        hint: "look at sslrootcert, and at the server's certificate",
      });
      await expect(by("127.0.0.1", `sslmode=verify-full&sslrootcert=${own}`)).rejects.toMatchObject({
        code: "unavailable",
        hint: "look at sslrootcert, and at the server's certificate",
      });
      // Without a look at the name, or at the certificate at all, where an operator says so.
      await (await by("127.0.0.1", `sslmode=verify-ca&sslrootcert=${own}`)).close();
      await (await by("127.0.0.1", "sslmode=require")).close();
    });

    it("to be a replay cache", async () => {
      for (const scheme of ["postgres", "postgresql"]) {
        const name = server.url("EXAMPLE.TEST").replace("postgres", scheme);
        await expect(openReplayCache(name, { skew: 1000, startedAt: 0 })).rejects.toThrow(
          new RangeError(
            "replay cache: PostgreSQL keeps principals alone; " +
              "expected memory:, lmdb:DIR, redis://HOST or rediss://HOST",
          ),
        );
      }
    });
  });

  /** Where a realm's records are. */
  function rowOf(realm: string): { table: string } {
    return { table: `principals_${server.sql(`SELECT id FROM tessera.realms WHERE realm = '${realm}'`)}` };
  }

  /** A change of settings takes the server a moment: the first opening that ends in the other way. */
  async function until(open: () => Promise<KeyValueStore>, opens = false): Promise<KeyValueStore> {
    for (let tries = 0; ; tries++) {
      const store = await open().catch((error: unknown) => {
        if (!opens || tries === 200) throw error;
        return undefined;
      });
      if (store !== undefined && (opens || tries === 200)) return store;
      await store?.close();
    }
  }
});
