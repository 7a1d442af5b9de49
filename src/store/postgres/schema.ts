/**
 * The tables: `tessera.realms` has a row for each realm of the database, with the format of its records'
 * table, `tessera.principals_ID`, which tells of every change by NOTIFY in the transaction that makes it.
 *
 * Invariant: a step from one format to the next is one transaction, under a lock that whoever else begins the
 * same step waits for. So a step is done or not, and never half done.
 */
import type { ClientBase } from "pg";
import { StoreError } from "../store-error.js";

/** The format that this release reads and writes. */
const FORMAT = 1;
/** Of the advisory lock that steps are made under: any number that others do not use. */
const LOCK = "8391846251037562941";

/** What the steps need: how to get from format `index` to the next. */
const STEPS: readonly ((table: string, channel: string) => string)[] = [
  (table, channel) => `
    CREATE TABLE tessera.${table} (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL);
    CREATE TRIGGER tell_row AFTER INSERT OR UPDATE OR DELETE ON tessera.${table}
      FOR EACH ROW EXECUTE FUNCTION tessera.tell_row('${channel}');
    CREATE TRIGGER tell_all AFTER TRUNCATE ON tessera.${table}
      FOR EACH STATEMENT EXECUTE FUNCTION tessera.tell_all('${channel}');`,
];

const BEGIN_SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS tessera;
  CREATE TABLE IF NOT EXISTS tessera.realms (
    realm text COLLATE "C" PRIMARY KEY,
    id integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    format integer NOT NULL);
  CREATE OR REPLACE FUNCTION tessera.tell_row() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP <> 'INSERT' THEN PERFORM pg_notify(TG_ARGV[0], OLD.key); END IF;
      IF TG_OP <> 'DELETE' THEN PERFORM pg_notify(TG_ARGV[0], NEW.key); END IF;
      RETURN NULL;
    END $$;
  CREATE OR REPLACE FUNCTION tessera.tell_all() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_notify(TG_ARGV[0], '');
      RETURN NULL;
    END $$;`;

/** The table of a realm. */
export interface RealmTable {
  /** Its name, to be put into a statement as it is. */
  readonly table: string;
  /** Where its changes are told: the key, or nothing for "all of it". */
  readonly channel: string;
}

/**
 * The table of a realm, brought to the format of this release.
 * @param text the server and the database, for messages.
 * @throws StoreError `missing` if the database does not have the realm; `version` if a newer release has made
 *   its table; `corrupt` if the table, or what tells of its changes, is not there.
 */
export async function findRealm(client: ClientBase, realm: string, text: string): Promise<RealmTable> {
  const realms = await realmsOf(client);
  const row = realms.find((one) => one.realm === realm);
  if (row === undefined) {
    const others = realms.map((one) => one.realm);
    const has = others.length === 0 ? "no realm at all" : `the realm ${others.slice(0, 5).join(", ")}`;
    throw new StoreError("missing", `${text}: has ${has}, and not ${realm}`, {
      hint: "check the database's name, and that of the realm; a new one is made by `tessera realm create`",
    });
  }
  if (row.format > FORMAT)
    throw new StoreError(
      "version",
      `${text}: the realm ${realm} is of format ${row.format}, of a newer release; use that release`,
    );
  const found = row.format < FORMAT ? await makeRealm(client, realm) : tableOf(row.id);
  await checkTable(client, found, `${text}: the realm ${realm}`);
  return found;
}

/** The table of a realm, made if it is not there. */
export async function makeRealm(client: ClientBase, realm: string): Promise<RealmTable> {
  await client.query("BEGIN");
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await client.query(BEGIN_SCHEMA);
    await client.query(
      "INSERT INTO tessera.realms (realm, format) VALUES ($1, 0) ON CONFLICT (realm) DO NOTHING",
      [realm],
    );
    const { rows } = await client.query("SELECT id, format FROM tessera.realms WHERE realm = $1", [realm]);
    const { id, format } = rows[0] as { id: number; format: number };
    const made = tableOf(id);
    for (const step of STEPS.slice(format)) await client.query(step(made.table, made.channel));
    if (format < FORMAT)
      await client.query("UPDATE tessera.realms SET format = $2 WHERE realm = $1", [realm, FORMAT]);
    await client.query("COMMIT");
    return made;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

interface RealmRow {
  readonly realm: string;
  readonly id: number;
  readonly format: number;
}

async function realmsOf(client: ClientBase): Promise<readonly RealmRow[]> {
  const { rows } = await client.query("SELECT to_regclass('tessera.realms') IS NOT NULL AS made");
  if (!rows[0].made) return [];
  return (await client.query("SELECT realm, id, format FROM tessera.realms ORDER BY realm")).rows;
}

function tableOf(id: number): RealmTable {
  return { table: `principals_${id}`, channel: `tessera_${id}` };
}

/** Looks at what a restore, or somebody by hand, may have left out. */
async function checkTable(client: ClientBase, { table }: RealmTable, text: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT count(*)::int AS triggers FROM pg_trigger
     WHERE tgrelid = to_regclass($1) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
       AND tgname IN ('tell_row', 'tell_all')`,
    [`tessera.${table}`],
  );
  const columns = await client.query(
    `SELECT count(*)::int AS columns FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attname IN ('key', 'value') AND NOT attisdropped`,
    [`tessera.${table}`],
  );
  const lacks =
    columns.rows[0].columns !== 2
      ? `has no table tessera.${table}, or another`
      : rows[0].triggers !== 2
        ? `does not tell of changes: tessera.${table} lacks its triggers`
        : undefined;
  if (lacks !== undefined)
    throw new StoreError("corrupt", `${text} ${lacks}; a restore was left half done`, {
      hint: "restore a backup of the whole schema tessera",
    });
}
