/** What an operator is told of the PostgreSQL that keeps a realm's principals. */
import { postgresPlace } from "./place.js";
import { findRealm } from "./schema.js";
import { PostgresServers } from "./servers.js";

/** A PostgreSQL that takes a realm's writes. */
export interface PostgresFacts {
  /** The server and its database, without a password. */
  readonly text: string;
  /** The server's version, such as `15.13`. */
  readonly version: string;
  /** How many standbys stream from it, and how many of them a change waits for. */
  readonly standbys: number;
  readonly synchronous: number;
}

/** Looks at the database of a store. Throws as `openPostgresStore`. */
export async function postgresFacts(name: string): Promise<PostgresFacts> {
  const place = postgresPlace(name);
  const servers = new PostgresServers(place);
  try {
    return await servers.run(async (client) => {
      await findRealm(client, place.realm, place.text);
      const { rows } = await client.query(`SELECT current_setting('server_version') AS version,
        count(*)::int AS standbys,
        count(*) FILTER (WHERE sync_state IN ('sync', 'quorum'))::int AS synchronous
        FROM pg_stat_replication`);
      const { version, standbys, synchronous } = rows[0];
      return { text: place.text, version: String(version).split(" ")[0]!, standbys, synchronous };
    });
  } finally {
    await servers.close();
  }
}
