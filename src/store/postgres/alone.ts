/**
 * One program at a time that fills a realm's table: whoever holds its advisory lock.
 *
 * The lock belongs to a transaction that is open meanwhile, so that it ends with the program, and behind a
 * pooler too. Where the connection is lost, as in a failover, it ends early.
 */
import type { ClientBase } from "pg";
import { beingFilled } from "../being-filled.js";
import { StoreError } from "../store-error.js";
import { postgresError } from "./error.js";
import { postgresPlace } from "./place.js";
import { findRealm } from "./schema.js";
import { PostgresServers } from "./servers.js";

const BEGIN = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";
const TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked";

/**
 * Does what no two programs may do at a time on a realm's table, which is there.
 * @throws StoreError `busy` if another does; as `openPostgresStore`; whatever `work` throws.
 */
export async function aloneOnPostgres<T>(name: string, work: () => Promise<T>): Promise<T> {
  const place = postgresPlace(name);
  const servers = new PostgresServers(place);
  try {
    const { client, text, release } = await servers.acquire();
    try {
      if (!(await tryLock(client, place.realm, text))) throw beingFilled(text);
      return await work();
    } finally {
      await client.query("ROLLBACK").then(() => release(), release);
    }
  } finally {
    await servers.close();
  }
}

async function tryLock(client: ClientBase, realm: string, text: string): Promise<boolean> {
  try {
    const { table } = await findRealm(client, realm, text);
    await client.query(BEGIN);
    return (await client.query(TRY_LOCK, [`tessera.${table}`])).rows[0].locked;
  } catch (error) {
    throw error instanceof StoreError ? error : postgresError(error, text);
  }
}
