/**
 * Fills a realm's database from a dump, while servers run on it.
 *
 * Order: the dump is read to its end and its seal checked; the database is marked; the records are written,
 * the TGS's last, as no realm opens without; the mark goes. Interrupted anywhere, the same command goes on.
 */
import { dirname, resolve } from "node:path";
import { makeFolders } from "../../files/make-folders.js";
import { krbtgtOf } from "../../protocol/principal.js";
import { DumpReader, type WholeDump } from "../../store/dump/reader.js";
import type { KeyValueStore } from "../../store/key-value-store.js";
import { copyMasterKeys, loadMasterKeys } from "../../store/master-key.js";
import { aloneOn, createStore } from "../../store/open-store.js";
import { shownPostgresName } from "../../store/postgres/place.js";
import { principalKey } from "../../store/principal-key.js";
import { StoreError } from "../../store/store-error.js";
import { createRealmDirectory, openRealmDirectory, type RealmDirectory } from "../realm-directory.js";
import { parseSettings } from "../realm-settings.js";
import { fill, type NewRecord } from "./fill.js";
import { beginMove, checkMove, endMove, type MoveRules } from "./unfinished-move.js";

/** How far a move has got. */
export interface MoveProgress {
  /** Records written. */
  readonly done: number;
  /** The part of the whole that is done, from 0 to 1. */
  readonly fraction: number;
}

/** What a load came to. */
export interface LoadedDump {
  readonly records: number;
  /** Whether it went on where an earlier one was interrupted. */
  readonly resumed: boolean;
}

/** What a realm that is made for a dump has beside the dump's settings. */
export interface NewRealmChoice {
  /** The file of its master key, which is copied. */
  readonly masterKeyFile: string | undefined;
  /** The database of its principals, as a realm's settings name it; by default in its folder. */
  readonly database?: string | undefined;
  /** What may become of principals that its database has already; by default nothing. */
  readonly rules?: MoveRules | undefined;
}

/**
 * Opens the realm that a dump is loaded into; where there is none, makes it, with the dump's settings and
 * without principals. Without a master key, the realm must be there.
 * @throws StoreError as `openRealmDirectory`; `wrong-key` if the key is not the one that sealed the dump;
 *   `exists` and `busy` as `loadDump` for a new realm's database: then no folder is made.
 */
export async function realmForDump(
  dir: string,
  path: string,
  { masterKeyFile, database, rules = { update: false } }: NewRealmChoice,
): Promise<RealmDirectory> {
  if (masterKeyFile === undefined) return openRealmDirectory(dir);
  await using dump = await DumpReader.open(path);
  const { header, id } = await dump.check(await loadMasterKeys(masterKeyFile));
  const found = await openRealmDirectory(dir).catch((error: unknown) => {
    if (error instanceof StoreError && error.code === "missing") return undefined;
    throw error;
  });
  if (found !== undefined) return found;
  await makeFolders(dirname(resolve(dir)));
  const settings = { ...parseSettings(header.settings, path), ...(database !== undefined && { database }) };
  return createRealmDirectory(
    dir,
    settings,
    async (made) => {
      const store = await createStore(made.principals);
      const check = () => checkMove(store, sourceOf(id), rules, placeOf(made));
      await aloneOn(made.principals, check).finally(() => store.close());
    },
    (file) => copyMasterKeys(masterKeyFile, file),
  );
}

/**
 * Loads a dump.
 * @throws StoreError `exists` if the realm has principals already, or is being filled from elsewhere; `busy`
 *   while another load or copy fills it; `corrupt`, `version` and `wrong-key` as `DumpReader.check`; `exists`
 *   for another realm's dump, too; as the store does. Nothing was written before the dump was found whole.
 */
export async function loadDump(
  directory: RealmDirectory,
  path: string,
  rules: MoveRules,
  onProgress: (progress: MoveProgress) => void = () => {},
): Promise<LoadedDump> {
  await using dump = await DumpReader.open(path);
  const { realm } = directory.settings;
  const { realm: dumped } = await dump.header();
  if (dumped !== realm)
    throw new StoreError("exists", `${path}: a dump of the realm ${dumped}, and this one is ${realm}`, {
      hint: "name the folder of its own realm: --dir DIR",
    });
  const whole = await dump.check(await loadMasterKeys(directory.masterKeyFile), (read, size) =>
    onProgress({ done: 0, fraction: (CHECK_SHARE * read) / size }),
  );
  const store = await createStore(directory.principals);
  try {
    return await aloneOn(directory.principals, async () => {
      const resumed = await beginMove(store, sourceOf(whole.id), rules, placeOf(directory));
      const records = await write(store, dump, whole, krbtgtOf(realm), rules, onProgress);
      await endMove(store);
      return { records, resumed };
    });
  } finally {
    await store.close();
  }
}

/** A dump as the mark of a database that is filled from it names it. */
function sourceOf(id: string): string {
  return `dump ${id.slice(0, 16)}`;
}

/** Where a realm's principals are, for messages. */
function placeOf({ dir, settings: { database } }: RealmDirectory): string {
  return database === undefined ? dir : shownPostgresName(database);
}

/** The part of the work that checking a dump is. */
const CHECK_SHARE = 0.1;

async function write(
  store: KeyValueStore,
  dump: DumpReader,
  { size }: WholeDump,
  tgs: string,
  { update }: MoveRules,
  onProgress: (progress: MoveProgress) => void,
): Promise<number> {
  let read = 0;
  const last: NewRecord[] = [];
  const onExisting = update ? "replace" : "keep";
  const onWritten = (done: number) =>
    onProgress({ done, fraction: CHECK_SHARE + ((1 - CHECK_SHARE) * read) / size });
  const others = async function* (): AsyncGenerator<NewRecord> {
    for await (const [principal, record] of dump.records((bytes) => (read = bytes))) {
      const made = [principalKey(principal), record, onExisting] as const;
      if (principal === tgs) last.push(made);
      else yield made;
    }
  };
  const written = await fill(store, others(), onWritten);
  return written + (await fill(store, each(last)));
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
