/**
 * PostgreSQL that fails under a store: what was acknowledged is there, and what was not is refused by name.
 */
import { chownSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { KeyValueStore } from "../../../src/store/key-value-store.js";
import { createStore, openStore } from "../../../src/store/open-store.js";
import { canMount, withSmallDisk } from "../../support/mounts.js";
import { PostgresProxy } from "../../support/postgres-proxy.js";
import { HAS_POSTGRES, PostgresServer } from "../../support/postgres-server.js";
import { bytes, increment, text } from "../key-value-store-suite.js";

const REALM = "EXAMPLE.TEST";

describe.skipIf(!HAS_POSTGRES)("a PostgreSQL that fails", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose](), 60_000);

  async function opened(name = server.url(REALM)): Promise<KeyValueStore> {
    server.clear();
    const store = await createStore(name);
    onTestFinished(() => store.close());
    return store;
  }

  test("loses nothing it acknowledged when it is killed under writes: 3 rounds", async () => {
    const store = await opened();
    let acknowledged = 0;
    for (let round = 0; round < 3; round++) {
      let refused: unknown;
      const writing = (async () => {
        while (refused === undefined)
          await store.update("count", increment).then(
            () => acknowledged++,
            (error: unknown) => {
              refused = error;
            },
          );
      })();
      const before = acknowledged;
      await until(async () => acknowledged > before + 20);
      await server.kill();
      await writing;
      expect(refused).toMatchObject({ name: "StoreError", code: "unavailable" });
      await server.begin();
      // The last one, which nobody acknowledged, may have been made too.
      await until(() =>
        store.get("count").then(
          () => true,
          () => false,
        ),
      );
      const kept = Number(text(await store.get("count")));
      expect(kept - acknowledged).toBeGreaterThanOrEqual(0);
      expect(kept - acknowledged).toBeLessThanOrEqual(1);
      acknowledged = kept;
    }
  });

  test("says that a change may have been made whose connection was lost, and never makes it twice", async () => {
    const proxy = await PostgresProxy.start(server.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const near = await opened(`${server.database(proxy.port)}?realm=${REALM}`);
    await near.update("count", increment);
    let cuts = 0;
    proxy.onQuery((query, cut) => {
      if (!query.includes("UPDATE tessera.") || cuts++ > 0) return;
      cut();
    });
    await expect(near.update("count", increment)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("the change may have been made"),
    });
    expect(cuts).toBe(1);
    expect(text(await near.get("count"))).toBe("1");
    await near.update("count", increment);
    expect(text(await near.get("count"))).toBe("2");
  });

  test("a read whose connection was lost is made again", async () => {
    const proxy = await PostgresProxy.start(server.port);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const near = await opened(`${server.database(proxy.port)}?realm=${REALM}`);
    await near.update("a", () => bytes("one"));
    let cuts = 0;
    proxy.onQuery((query, cut) => {
      if (query.includes("SELECT value") && cuts++ === 0) cut();
    });
    expect(text(await near.get("a"))).toBe("one");
    expect(cuts).toBe(2);
  });

  test("a row that somebody else has locked is waited for as long as is stated", async () => {
    const store = await opened(server.url(REALM, "&timeout=300ms"));
    await store.update("a", () => bytes("one"));
    const { default: pg } = await import("pg");
    const other = new pg.Client({ connectionString: server.database(), ssl: false });
    await other.connect();
    await other.query("BEGIN; LOCK TABLE tessera.realms; DELETE FROM tessera.principals_1");
    await expect(store.update("a", () => bytes("two"))).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("did not come to an end in time"),
    });
    expect(text(await store.get("a"))).toBe("one");
    await other.query("ROLLBACK");
    await other.end();
    await store.update("a", () => bytes("two"));
    expect(text(await store.get("a"))).toBe("two");
  });

  test("refuses by name where nobody answers, at every attempt", async () => {
    const proxy = await PostgresProxy.start(server.port);
    const name = `${server.database(proxy.port)}?realm=${REALM}`;
    await proxy[Symbol.asyncDispose]();
    for (let i = 0; i < 2; i++)
      await expect(openStore(name)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("does not answer"),
      });
  });

  test.skipIf(!canMount)(
    "refuses writes on a full disk, keeps its records, and carries on when there is room",
    async () => {
      const store = await opened();
      await store.update("a", () => bytes("one"));
      const folder = mkdtempSync(join(tmpdir(), "tessera-tablespace-"));
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
      await withSmallDisk(
        folder,
        async () => {
          const { uid, gid } = statSync(server.dir);
          chownSync(folder, uid, gid);
          server.sql(`CREATE TABLESPACE small LOCATION '${folder}'`);
          server.sql("ALTER TABLE tessera.principals_1 SET TABLESPACE small");
          let refused: unknown;
          for (let i = 0; refused === undefined && i < 200; i++)
            await store
              .update(`k${i}`, () => Buffer.alloc(1_900, String(i)))
              .catch((error: unknown) => {
                refused = error;
              });
          expect(refused).toMatchObject({ name: "StoreError", code: "full" });
          expect(text(await store.get("a"))).toBe("one");
          server.sql("ALTER TABLE tessera.principals_1 SET TABLESPACE pg_default");
          await store.update("a", () => bytes("room again"));
          expect(text(await store.get("a"))).toBe("room again");
          server.sql("DROP TABLESPACE small");
        },
        "128k",
      );
    },
  );
});

describe.skipIf(!HAS_POSTGRES)("a primary and its standby", () => {
  test("a standby takes no writes; promoted, it has everything that was acknowledged", async () => {
    const first = await PostgresServer.start({ wal_level: "replica", max_wal_senders: "4" });
    onTestFinished(() => first[Symbol.asyncDispose](), 60_000);
    const store = await createStore(first.url(REALM));
    await store.update("a", () => bytes("one"));
    await store.close();
    const second = await first.standby("second");
    onTestFinished(() => second[Symbol.asyncDispose](), 60_000);
    await first.set({ synchronous_standby_names: "second" });
    await until(async () => first.sql("SELECT sync_state FROM pg_stat_replication") === "sync");

    await expect(openStore(second.url(REALM))).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("is a read-only standby"),
    });
    // Named in any order: the one that takes writes is found.
    const hosts = `127.0.0.1:${second.port},127.0.0.1:${first.port}`;
    const both = await openStore(first.url(REALM).replace(`127.0.0.1:${first.port}`, hosts));
    onTestFinished(() => both.close());
    let acknowledged = 0;
    let refused: unknown;
    const writing = (async () => {
      while (refused === undefined)
        await both.update("count", increment).then(
          () => acknowledged++,
          (error: unknown) => {
            refused = error;
          },
        );
    })();
    await until(async () => acknowledged > 20);
    await first.kill();
    await writing;
    expect(refused).toMatchObject({ code: "unavailable" });
    await expect(both.update("count", increment)).rejects.toMatchObject({ code: "unavailable" });
    second.promote();
    await until(() =>
      both.get("a").then(
        () => true,
        () => false,
      ),
    );
    expect(text(await both.get("a"))).toBe("one");
    const kept = Number(text(await both.get("count")));
    expect(kept - acknowledged).toBeGreaterThanOrEqual(0);
    expect(kept - acknowledged).toBeLessThanOrEqual(1);
    await both.update("count", increment);
    expect(text(await both.get("count"))).toBe(String(kept + 1));
  }, 60_000);

  test("a primary that becomes read-only refuses writes by name, and takes them again", async () => {
    const server = await PostgresServer.start();
    onTestFinished(() => server[Symbol.asyncDispose](), 60_000);
    const store = await createStore(server.url(REALM));
    onTestFinished(() => store.close());
    await store.update("a", () => bytes("one"));
    await server.set({ default_transaction_read_only: "on" });
    await until(() =>
      store.update("a", increment).then(
        () => false,
        () => true,
      ),
    );
    await expect(store.update("a", increment)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("read-only"),
    });
    await server.set({ default_transaction_read_only: "off" });
    await until(() =>
      store
        .update("a", () => bytes("two"))
        .then(
          () => true,
          () => false,
        ),
    );
    expect(text(await store.get("a"))).toBe("two");
  }, 60_000);
});

/** Repeats a look until it is right: what is waited for comes over sockets. */
async function until(isRight: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await isRight())) {
    if (performance.now() > end) throw new Error("it did not become right");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
