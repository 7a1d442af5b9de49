/**
 * The tables: `tessera.realms` has a row for each realm of the database, with the format of its records'
 * table, `tessera.principals_ID`, which tells of every change by NOTIFY in the transaction that makes it.
 */
import type { ClientBase } from "pg";
import { StoreError } from "../store-error.js";
import { FORMAT, type RealmTable, tableOf } from "./realm-table.js";

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
  if (row.format < FORMAT) await (await import("./steps.js")).makeSteps(client, realm);
  const found = tableOf(row.id);
  await checkTable(client, found, `${text}: the realm ${realm}`);
  return found;
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
