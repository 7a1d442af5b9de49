/**
 * The tables: `tessera.realms` has a row for each realm of the database, with the format of its records'
 * table, `tessera.principals_ID`, which tells of every change by NOTIFY in the transaction that makes it.
 */
import type { ClientBase } from "pg";
import { StoreError } from "../store-error.js";
import { causeOf } from "./error.js";
import { FORMAT, type RealmTable, tableOf } from "./realm-table.js";

/**
 * The table of a realm, brought to the format of this release.
 * @param text the server and the database, for messages.
 * @throws StoreError `missing` if the database does not have the realm; `version` if a newer release has made
 *   its table; `corrupt` if the table, or what tells of its changes, is not there.
 */
export async function findRealm(client: ClientBase, realm: string, text: string): Promise<RealmTable> {
  let found = await look(client, realm);
  if (found !== undefined && found.format < FORMAT) {
    await (await import("./steps.js")).makeSteps(client, realm);
    found = await look(client, realm);
  }
  if (found === undefined) throw await missing(client, realm, text);
  const place = `${text}: the realm ${realm}`;
  if (found.format > FORMAT)
    throw new StoreError(
      "version",
      `${place} is of format ${found.format}, of a newer release; use that release`,
    );
  const table = tableOf(found.id);
  const lacks = lacking(found, table);
  if (lacks === undefined) return table;
  throw new StoreError("corrupt", `${place} ${lacks}; a restore was left half done`, {
    hint: "restore a backup of the whole schema tessera",
  });
}

interface FoundRealm {
  readonly id: number;
  readonly format: number;
  /** How many of the two columns, and of the two triggers, its table has. */
  readonly columns: number;
  readonly triggers: number;
}

/** All that is looked at, in one statement: each is a way there and back. */
const LOOK = `
  SELECT id, format,
    (SELECT count(*)::int FROM pg_attribute
     WHERE attrelid = principals AND attname IN ('key', 'value') AND NOT attisdropped) AS columns,
    (SELECT count(*)::int FROM pg_trigger
     WHERE tgrelid = principals AND NOT tgisinternal AND tgenabled IN ('O', 'A')
       AND tgname IN ('tell_row', 'tell_all')) AS triggers
  FROM tessera.realms, to_regclass('tessera.principals_' || id) AS principals WHERE realm = $1`;

async function look(client: ClientBase, realm: string): Promise<FoundRealm | undefined> {
  try {
    return (await client.query(LOOK, [realm])).rows[0];
  } catch (error) {
    if (causeOf(error) === UNDEFINED_TABLE) return undefined;
    throw error;
  }
}

/** PostgreSQL's name, in a SQLSTATE, for a table that is not there. */
const UNDEFINED_TABLE = "42P01";

async function missing(client: ClientBase, realm: string, text: string): Promise<StoreError> {
  const { rows } = await client.query("SELECT to_regclass('tessera.realms') IS NOT NULL AS made");
  const list = "SELECT realm FROM tessera.realms ORDER BY realm LIMIT 5";
  const others: { realm: string }[] = rows[0].made ? (await client.query(list)).rows : [];
  const has =
    others.length === 0 ? "no realm at all" : `the realm ${others.map((one) => one.realm).join(", ")}`;
  return new StoreError("missing", `${text}: has ${has}, and not ${realm}`, {
    hint: "check the database's name, and that of the realm; a new one is made by `tessera realm create`",
  });
}

/** What a restore, or somebody by hand, may have left out. */
function lacking({ columns, triggers }: FoundRealm, { table }: RealmTable): string | undefined {
  if (columns !== 2) return `has no table tessera.${table}, or another`;
  if (triggers !== 2) return `does not tell of changes: tessera.${table} lacks its triggers`;
  return undefined;
}
