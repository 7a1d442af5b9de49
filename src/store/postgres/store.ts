/**
 * The key-value store in PostgreSQL: a table for each realm, for any number of processes and machines.
 *
 * Invariants:
 * - Only a server that syncs before it acknowledges is written to (postgres-servers.ts), so an awaited
 *   `update` is on its disk; on a standby's too where `synchronous_standby_names` says so.
 * - A change is compare-and-set on the bytes themselves, in one statement; a change that lost to another is
 *   made again from the bytes now stored, so `change` may be called more than once.
 * - A read is made once more where the connection turns out to be lost; a write never is, since it may have
 *   been made.
 */
import { KeyQueues } from "../../collections/key-queues.js";
import type { Changes, KeyValueStore, OnExisting, Scan } from "../key-value-store.js";
import { StoreError } from "../store-error.js";
import { checkStoreKey } from "../store-key.js";
import { PostgresChanges } from "./changes.js";
import { causeOf, isLost } from "./error.js";
import { type PostgresPlace, postgresPlace } from "./place.js";
import type { RealmTable } from "./realm-table.js";
import { findRealm } from "./schema.js";
import { PostgresServers } from "./servers.js";

/** How many records a page of a scan has. */
const SCAN_PAGE = 1_000;
/** How many are counted in one statement, which is to end in time. */
const COUNT_PAGE = 50_000;

/** What a program or a test may set beside the name. */
export interface PostgresStoreOptions {
  /** A clock in milliseconds that is never set; the system's by default. */
  readonly uptime?: (() => number) | undefined;
}

/**
 * Opens a realm's store.
 * @param name as `postgresPlace` reads it.
 * @throws RangeError as `postgresPlace`; StoreError as `findRealm`, `unsafe` for a server that may lose what
 *   it acknowledged, `unavailable` where none takes writes.
 */
export async function openPostgresStore(
  name: string,
  options: PostgresStoreOptions = {},
): Promise<KeyValueStore> {
  return open(postgresPlace(name), options, findRealm);
}

/** Opens a realm's store, and makes it if it is not there. Otherwise as `openPostgresStore`. */
export async function createPostgresStore(name: string): Promise<KeyValueStore> {
  const place = postgresPlace(name);
  const { makeRealm } = await import("./steps.js");
  return open(place, {}, async (client, realm, text) => {
    await makeRealm(client, realm);
    return findRealm(client, realm, text);
  });
}

async function open(
  place: PostgresPlace,
  { uptime = () => performance.now() }: PostgresStoreOptions,
  find: typeof findRealm,
): Promise<KeyValueStore> {
  const servers = new PostgresServers(place);
  try {
    const table = await servers.run((client) => find(client, place.realm, place.text));
    return new PostgresStore(place, servers, table, uptime);
  } catch (error) {
    await servers.close();
    throw error;
  }
}

/** Some records, counted, with the last key among them. */
interface CountedPage {
  readonly size: number;
  readonly found: number;
  readonly last: string | null;
}

class PostgresStore implements KeyValueStore {
  readonly #place: PostgresPlace;
  readonly #servers: PostgresServers;
  readonly #table: RealmTable;
  readonly #uptime: () => number;
  readonly #updates = new KeyQueues<string>();
  #changes: PostgresChanges | undefined;
  #closing: Promise<void> | undefined;

  constructor(place: PostgresPlace, servers: PostgresServers, table: RealmTable, uptime: () => number) {
    this.#place = place;
    this.#servers = servers;
    this.#table = table;
    this.#uptime = uptime;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    this.#checkOpen();
    checkPostgresKey(key);
    return this.#read(key);
  }

  async update(
    key: string,
    change: (current: Uint8Array | undefined) => Uint8Array | undefined,
  ): Promise<void> {
    this.#checkOpen();
    checkPostgresKey(key);
    return this.#updates.run(key, () => this.#compareAndSet(key, change));
  }

  async writeAll(
    records: readonly (readonly [key: string, value: Uint8Array])[],
    onExisting: OnExisting,
  ): Promise<void> {
    this.#checkOpen();
    for (const [key] of records) checkPostgresKey(key);
    const { table } = this.#table;
    const replacing = "(key) DO UPDATE SET value = excluded.value WHERE old.value <> excluded.value";
    const text =
      `INSERT INTO tessera.${table} AS old (key, value) SELECT * FROM unnest($1::text[], $2::bytea[]) ` +
      `ON CONFLICT ${onExisting === "keep" ? "DO NOTHING" : replacing}`;
    const values = [records.map(([key]) => key), records.map(([, value]) => Buffer.from(value))];
    try {
      await this.#servers.run((client) => client.query(text, values));
    } catch (error) {
      throw perhapsWritten(error);
    }
  }

  scan(prefix: string): Scan {
    return { [Symbol.asyncIterator]: () => this.#scan(prefix), count: () => this.#count(prefix) };
  }

  async *#scan(prefix: string): AsyncGenerator<[key: string, value: Uint8Array]> {
    let after: string | undefined;
    for (;;) {
      this.#checkOpen();
      const page = await this.#page(prefix, after);
      for (const { key, value } of page) {
        if (!key.startsWith(prefix)) return;
        yield [key, value];
      }
      if (page.length < SCAN_PAGE) return;
      after = page.at(-1)?.key;
    }
  }

  changes(onChange: (key: string | undefined) => void): Changes {
    this.#checkOpen();
    if (this.#changes !== undefined) throw new TypeError("changes: expected to be followed once");
    const { staleness, away } = this.#place;
    const [servers, channel, uptime] = [this.#servers, this.#table.channel, this.#uptime];
    this.#changes = new PostgresChanges({ servers, channel, staleness, away, uptime, onChange });
    return this.#changes;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#updates.idle();
      await this.#changes?.close();
      await this.#servers.close();
    })();
    return this.#closing;
  }

  async #compareAndSet(
    key: string,
    change: (current: Uint8Array | undefined) => Uint8Array | undefined,
  ): Promise<void> {
    for (;;) {
      const current = await this.#read(key);
      const next = change(current && Uint8Array.from(current));
      if (next === undefined && current === undefined) return;
      if (await this.#write(key, current, next && Uint8Array.from(next))) return;
    }
  }

  /** Writes or deletes the record if it still has these bytes (undefined: if it is still absent). */
  async #write(key: string, current: Uint8Array | undefined, next: Uint8Array | undefined): Promise<boolean> {
    const { table } = this.#table;
    const [text, values] =
      current === undefined
        ? [`INSERT INTO tessera.${table} (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`, [key, next]]
        : next === undefined
          ? [`DELETE FROM tessera.${table} WHERE key = $1 AND value = $2`, [key, current]]
          : [`UPDATE tessera.${table} SET value = $3 WHERE key = $1 AND value = $2`, [key, current, next]];
    try {
      return (await this.#servers.run((client) => client.query(text, values))).rowCount === 1;
    } catch (error) {
      throw perhapsWritten(error);
    }
  }

  async #read(key: string): Promise<Uint8Array | undefined> {
    const text = `SELECT value FROM tessera.${this.#table.table} WHERE key = $1`;
    const [row] = await this.#rows<{ value: Buffer }>(text, [key]);
    // A copy: the driver's bytes are part of a larger piece of memory, which they would keep.
    return row && Uint8Array.from(row.value);
  }

  async #count(prefix: string): Promise<number> {
    const text = (from: string) => `
      SELECT count(*)::int AS size, count(*) FILTER (WHERE starts_with(key, $2))::int AS found, max(key) AS last
      FROM (SELECT key FROM tessera.${this.#table.table} WHERE key ${from} $1 ORDER BY key LIMIT ${COUNT_PAGE}) page`;
    let [from, comparison, count] = [prefix, ">=", 0];
    for (;;) {
      this.#checkOpen();
      const [page] = await this.#rows<CountedPage>(text(comparison), [from, prefix]);
      const { size, found, last } = page as CountedPage;
      count += found;
      if (size < COUNT_PAGE || found < size) return count;
      [from, comparison] = [last as string, ">"];
    }
  }

  #page(prefix: string, after: string | undefined): Promise<{ key: string; value: Buffer }[]> {
    const from = after === undefined ? "key >= $1" : "key > $1";
    const text = `SELECT key, value FROM tessera.${this.#table.table} WHERE ${from} ORDER BY key LIMIT ${SCAN_PAGE}`;
    return this.#rows(text, [after ?? prefix]);
  }

  async #rows<Row>(text: string, values: readonly string[]): Promise<Row[]> {
    const query = () => this.#servers.run((client) => client.query(text, [...values]));
    try {
      return (await query()).rows;
    } catch (error) {
      if (!isLost((error as Error).cause) || causeOf((error as Error).cause) === "LATE") throw error;
      return (await query()).rows;
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined)
      throw new StoreError("unavailable", `${this.#place.text}: the store is closed`);
  }
}

/** The connection was lost under a write: nobody here knows whether it was made. */
function perhapsWritten(error: unknown): unknown {
  if (!(error instanceof StoreError) || !isLost(error.cause) || causeOf(error.cause) === "25006")
    return error;
  const text = `${error.message}; the change may have been made`;
  return new StoreError(error.code, text, { hint: "look, and try again", cause: error.cause });
}

/** PostgreSQL's text holds every character but one. */
function checkPostgresKey(key: string): void {
  checkStoreKey(key);
  if (key.includes("\0")) throw new RangeError("key: expected no NUL: PostgreSQL holds principals alone");
}
