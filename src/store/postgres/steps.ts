/**
 * The steps from one format of a realm's table to the next: the files in `migrations/`, made by
 * node-pg-migrate, which notes them in `tessera.migrations_ID`, a table for each realm.
 *
 * Invariant: all that is to be done for a realm is one transaction, under a lock that whoever else begins the
 * same waits for. So a step is done or not, and never half done. Transaction and lock are our own: the
 * library's lock belongs to the session, which a pooler shares among clients, and its transaction leaves out
 * the table in which it notes the steps.
 *
 * Loading the library takes a tenth of a second, so this file is loaded only where a step is to be made.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type MigrationBuilder, type RunnerOption, runner } from "node-pg-migrate";
import type { ClientBase } from "pg";
import { StoreError } from "../store-error.js";

type Runs = Pick<RunnerOption, "dir" | "fake" | "count">;
type MigrationLoader = Exclude<
  NonNullable<RunnerOption["migrationLoaderStrategies"]>[number]["loader"],
  string
>;

/** Of the advisory lock that steps are made under: any number that others do not use. */
const LOCK = "8391846251037562941";

/** Where the library itself refuses. */
const HINT = { hint: "use the release that made the realm, or a newer one; leave it out of a bundle" };

const BEGIN_SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS tessera;
  CREATE TABLE IF NOT EXISTS tessera.realms (
    realm text COLLATE "C" PRIMARY KEY,
    id integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    format integer NOT NULL);`;

/**
 * Makes a realm and its table, if they are not there.
 * @throws StoreError `corrupt` for steps that do not begin with those that are noted, or that are not beside
 *   this program; whatever the server refuses.
 */
export async function makeRealm(client: ClientBase, realm: string): Promise<void> {
  await alone(client, async () => {
    await client.query(BEGIN_SCHEMA);
    await client.query(
      "INSERT INTO tessera.realms (realm, format) VALUES ($1, 0) ON CONFLICT (realm) DO NOTHING",
      [realm],
    );
    await makeLacking(client, realm, ownSteps());
  });
}

/**
 * Makes the steps that the table of a realm lacks.
 * @param folder where the steps are.
 * @throws StoreError as `makeRealm`.
 */
export async function makeSteps(client: ClientBase, realm: string, folder = ownSteps()): Promise<void> {
  await alone(client, () => makeLacking(client, realm, folder));
}

/** The folder beside this file, as source and as it is built; the build puts it beside the bundle too. */
function ownSteps(): string {
  return fileURLToPath(new URL("migrations/", import.meta.url));
}

async function alone(client: ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
    await work();
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  }
}

async function makeLacking(client: ClientBase, realm: string, folder: string): Promise<void> {
  const { rows } = await client.query(
    `SELECT id, format, to_regclass('tessera.migrations_' || id) IS NOT NULL AS noted
     FROM tessera.realms WHERE realm = $1`,
    [realm],
  );
  const { id, format, noted } = rows[0] as { id: number; format: number; noted: boolean };
  // A table that was made before steps were noted: those behind it are noted, and not made.
  if (format > 0 && !noted) await run(client, id, { dir: folder, fake: true, count: format });
  await run(client, id, { dir: folder });
  const done = `(SELECT count(*) FROM tessera.migrations_${id})`;
  await client.query(`UPDATE tessera.realms SET format = ${done} WHERE id = $1 AND format < ${done}`, [id]);
}

/** Runs the library, without its messages: whoever called shows what is thrown. */
async function run(client: ClientBase, id: number, options: Runs): Promise<void> {
  // The library makes errors of its own from some of the server's, and leaves out their codes.
  let refusal: unknown;
  const query = (text: string, values?: unknown[]) =>
    client.query(text, values).catch((error: unknown) => {
      refusal = error;
      throw error;
    });
  try {
    await runner({
      ...options,
      direction: "up",
      dbClient: { query } as ClientBase,
      migrationsSchema: "tessera",
      migrationsTable: `migrations_${id}`,
      migrationLoaderStrategies: [{ extensions: [".sql"], loader: stepsOf(id) }],
      singleTransaction: false,
      noLock: true,
      logger: { info: () => {}, warn: () => {}, error: () => {} },
    });
  } catch (error) {
    throw refusal ?? new StoreError("corrupt", `tessera.migrations_${id}: ${(error as Error).message}`, HINT);
  }
}

/** Reads steps, for the table with this number; each runs in the transaction that is open. */
function stepsOf(id: number): MigrationLoader {
  return (paths) =>
    Promise.all(
      paths.map(async (path) => {
        const text = await readFile(path, "utf8");
        const up = (builder: MigrationBuilder) => void builder.noTransaction().sql(text, { id });
        return { id: path, filePaths: [path], actions: { up } };
      }),
    );
}
