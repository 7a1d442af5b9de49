/**
 * The connections to a PostgreSQL primary, which may be another server tomorrow.
 *
 * Invariants.
 * - Whoever asks is answered by a server that takes writes and keeps what it acknowledged: each connection is
 *   checked when it is made, since the same address may be a standby after a failover.
 * - Nothing waits for longer than the place's timeout; after a failure to connect whoever asks within
 *   RETRY_MS is refused at once, with the same words.
 */
import { readFile } from "node:fs/promises";
import { Socket } from "node:net";
import { userInfo } from "node:os";
import type { ClientBase, Pool, PoolConfig } from "pg";
import { StoreError } from "../store-error.js";
import { causeOf, isLost, lateError, postgresError } from "./error.js";
import { postgresPassword } from "./password.js";
import { hostText, type PostgresHost, type PostgresPlace } from "./place.js";
import { Turns } from "./turns.js";

/** For how long a failure to connect stands, in milliseconds. */
const RETRY_MS = 250;
/** How much later than the server itself its clients give up, in milliseconds. */
const LATER_MS = 200;
/** How long a connection may stay unused, in milliseconds. */
const IDLE_MS = 30_000;

/** Connections to one server. */
interface Primary {
  readonly pool: Pool;
  readonly text: string;
  readonly sockets: Set<Socket>;
}

/** A connection that somebody holds. */
export interface HeldConnection {
  readonly client: ClientBase;
  /** For messages: the server, and the database. */
  readonly text: string;
  /** Gives it back, with what went wrong on it, if anything did. */
  readonly release: (error?: unknown) => void;
}

/** The connections of one store. */
export class PostgresServers {
  readonly #place: PostgresPlace;
  readonly #turns: Turns;
  #primary: Primary | undefined;
  #searching: Promise<Primary> | undefined;
  #failure: { readonly error: StoreError; readonly at: number } | undefined;
  #isLost = false;
  #closed = false;

  constructor(place: PostgresPlace) {
    this.#place = place;
    this.#turns = new Turns(place.pool, place.timeout);
  }

  /** Whether the database was lost, or could not be reached, and is not back. */
  get isAway(): boolean {
    return this.#primary === undefined && (this.#isLost || this.#failure !== undefined);
  }

  /**
   * Does something over one connection.
   * @throws StoreError; whatever else `work` throws of its own.
   */
  async run<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    const { text, timeout } = this.#place;
    await this.#turns.begin().catch((error: unknown) => {
      throw postgresError(error, text);
    });
    try {
      return await this.#runNow(timeout + LATER_MS, work);
    } finally {
      this.#turns.end();
    }
  }

  async #runNow<T>(limit: number, work: (client: ClientBase) => Promise<T>): Promise<T> {
    const held = await this.acquire();
    try {
      const result = await within(limit, work(held.client));
      held.release();
      return result;
    } catch (error) {
      held.release(error);
      // A refusal of the caller's own is none of the server's.
      const isOurs = error instanceof StoreError || causeOf(error) === "";
      throw isOurs ? error : postgresError(error, held.text);
    }
  }

  /** A connection for as long as it is held. Throws StoreError. */
  async acquire(): Promise<HeldConnection> {
    const { timeout, text } = this.#place;
    const primary = await within(timeout + LATER_MS, this.#connected()).catch((error: unknown) => {
      throw postgresError(error, text);
    });
    try {
      const client = await primary.pool.connect();
      const release = (error?: unknown) => {
        client.release(isLost(error) ? (error as Error) : undefined);
        if (isLost(error)) this.#drop(primary);
      };
      return { client, text: primary.text, release };
    } catch (error) {
      if (isLost(error)) this.#drop(primary);
      throw postgresError(error, primary.text);
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.#closed = true;
    const primary = this.#primary ?? (await this.#searching?.catch(() => undefined));
    this.#primary = undefined;
    if (primary === undefined) return;
    // What is asked for has been answered; a server that hangs is not waited for.
    await within(LATER_MS, primary.pool.end()).catch(() => {});
    for (const socket of primary.sockets) socket.destroy();
  }

  /** Gives up all connections to a server: there may be another, or the same started anew. */
  #drop(primary: Primary): void {
    if (this.#primary === primary) {
      this.#primary = undefined;
      this.#isLost = true;
    }
    primary.pool.end().catch(() => {});
    for (const socket of primary.sockets) socket.destroy();
  }

  async #connected(): Promise<Primary> {
    if (this.#closed) throw new StoreError("unavailable", `${this.#place.text}: the store is closed`);
    if (this.#primary !== undefined) return this.#primary;
    const failure = this.#failure;
    if (failure !== undefined && performance.now() - failure.at < RETRY_MS) throw failure.error;
    this.#searching ??= this.#search().finally(() => {
      this.#searching = undefined;
    });
    return this.#searching;
  }

  /** Finds the primary among the hosts. */
  async #search(): Promise<Primary> {
    const failures: StoreError[] = [];
    for (const host of this.#place.hosts) {
      const primary = await this.#begin(host).catch((error: unknown) => {
        failures.push(postgresError(error, textOf(this.#place, host)));
        return undefined;
      });
      if (primary === undefined) continue;
      this.#failure = undefined;
      this.#isLost = false;
      this.#primary = primary;
      return primary;
    }
    const error = together(failures);
    this.#failure = { error, at: performance.now() };
    throw error;
  }

  async #begin(host: PostgresHost): Promise<Primary> {
    const { Pool: PoolOfDriver } = (await import("pg")).default;
    const sockets = new Set<Socket>();
    const text = textOf(this.#place, host);
    const pool = new PoolOfDriver({
      ...(await poolConfig(this.#place, host)),
      stream: () => {
        const socket = new Socket();
        sockets.add(socket);
        return socket.once("close", () => sockets.delete(socket));
      },
      verify: (client, done) => {
        within(this.#place.timeout, checkServer(client, text)).then(() => done(), done);
      },
    });
    // Whoever uses a connection that breaks is told; one that nobody uses is not missed.
    pool.on("error", () => {}).on("connect", (client) => client.on("error", () => {}));
    const primary = { pool, text, sockets };
    try {
      (await pool.connect()).release();
      return primary;
    } catch (error) {
      this.#drop(primary);
      throw error;
    }
  }
}

function textOf({ database }: PostgresPlace, host: PostgresHost): string {
  return `PostgreSQL at ${hostText(host)}, database ${database}`;
}

async function poolConfig(place: PostgresPlace, { host, port }: PostgresHost): Promise<PoolConfig> {
  const { database, timeout, user = process.env.PGUSER ?? userInfo().username } = place;
  const password =
    place.password ?? (await postgresPassword({ host, port, database, user }, process.env)) ?? "";
  return {
    host,
    port,
    database,
    user,
    // Where there is none the driver says so; left out, it would look for one by itself.
    password: async () => password,
    ssl: await tlsOf(place, host),
    application_name: `tessera ${place.realm}`.slice(0, 63),
    // One of them listens.
    max: place.pool + 1,
    connectionTimeoutMillis: Math.ceil(timeout / place.hosts.length),
    idleTimeoutMillis: IDLE_MS,
    statement_timeout: timeout,
    keepAlive: true,
  };
}

async function tlsOf({ ssl }: PostgresPlace, host: string): Promise<PoolConfig["ssl"]> {
  const { mode, rootCert, cert, key } = ssl;
  if (mode === "disable" || host.startsWith("/")) return false;
  const file = async (path: string | undefined) => (path === undefined ? undefined : readFile(path, "utf8"));
  const [ca, ownCert, ownKey] = await Promise.all([file(rootCert), file(cert), file(key)]);
  return {
    ...(ca !== undefined && { ca }),
    ...(ownCert !== undefined && ownKey !== undefined && { cert: ownCert, key: ownKey }),
    rejectUnauthorized: mode !== "require",
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  };
}

const CHECK = `SELECT pg_is_in_recovery() AS standby,
  current_setting('default_transaction_read_only') AS read_only,
  current_setting('fsync') AS fsync,
  current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('server_encoding') AS encoding,
  current_setting('server_version_num')::int AS version`;

/** What a server must be: one that takes writes, and whose acknowledgement means "on disk". */
async function checkServer(client: ClientBase, text: string): Promise<void> {
  const { rows } = await client.query(CHECK);
  const { standby, read_only, fsync, synchronous_commit, encoding, version } = rows[0];
  const unfit = (what: string, hint: string) => new StoreError("unsafe", `${text}: ${what}`, { hint });
  if (version < 120_000) throw unfit("is older than PostgreSQL 12", "use a newer one");
  if (standby || read_only === "on")
    throw Object.assign(new Error(standby ? "in recovery" : "default_transaction_read_only"), {
      code: "25006",
    });
  if (fsync === "off") throw unfit("may lose what it acknowledged (fsync off)", "set fsync on");
  if (synchronous_commit === "off")
    throw unfit("may lose what it acknowledged (synchronous_commit off)", "set synchronous_commit on");
  if (encoding !== "UTF8")
    throw unfit(`keeps text as ${encoding}`, "make the database with the encoding UTF8");
}

/** One refusal of several servers. */
function together(failures: readonly StoreError[]): StoreError {
  const [first, ...others] = failures;
  if (first === undefined || others.length === 0) return first as StoreError;
  const code = others.every((error) => error.code === first.code) ? first.code : "unavailable";
  return new StoreError(code, failures.map(({ message }) => message).join("; "), {
    hint: failures.find(({ hint }) => hint !== undefined)?.hint,
    cause: first,
  });
}

/** What comes of something, unless it takes too long: then an error that counts as a lost connection. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(lateError(ms)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
