/**
 * Makes one database of principals like another, record by record, while servers run on either. Records stay
 * sealed: it needs no master key.
 */
import { existsSync } from "node:fs";
import { krbtgtOf, realmOf } from "../../protocol/principal.js";
import { filledFrom } from "../../store/filling-mark.js";
import type { KeyValueStore } from "../../store/key-value-store.js";
import { aloneOn, createStore, openStore } from "../../store/open-store.js";
import { isPostgresName, postgresPlace } from "../../store/postgres/place.js";
import { PRINCIPAL_PREFIX, principalOfKey } from "../../store/principal-key.js";
import { masterKeyIdOf } from "../../store/principal-record.js";
import { StoreError } from "../../store/store-error.js";
import { fill, type NewRecord } from "./fill.js";
import { beginMove, endMove, type MoveRules } from "./unfinished-move.js";

/** What a copy came to. */
export interface CopiedPrincipals {
  /** Records that were added or replaced. */
  readonly written: number;
  /** Records that the source does not have. */
  readonly removed: number;
  readonly resumed: boolean;
}

/** How often it goes over all again where the source changes meanwhile. */
const ROUNDS = 10;

/**
 * Copies principals until a whole round finds nothing different. With `update`, records that the source does
 * not have are removed.
 * @param from, to names as `openStore` takes them. The second is made if it takes making.
 * @param onRecord told how many records were compared in this round.
 * @throws StoreError `exists` if the target has principals already, or is being filled from elsewhere; `busy`
 *   while another load or copy fills it; `missing` if the source has none; `exists` and `wrong-key` if the
 *   target is another realm's; `unavailable` if the source never stands still; as the stores do.
 */
export async function copyPrincipals(
  from: string,
  to: string,
  rules: MoveRules,
  onRecord: (count: number) => void = () => {},
): Promise<CopiedPrincipals> {
  checkNames(from, to);
  const source = await openStore(from);
  try {
    const identity = await checkSource(source, from);
    checkRealmOf(to, identity);
    const target = await createStore(to);
    try {
      return await aloneOn(to, async () => {
        await checkTarget(target, to, identity);
        const resumed = await beginMove(target, `copy of ${shown(from)}`, rules, shown(to));
        const changed = await copyAll(source, target, from, onRecord);
        await endMove(target);
        return { ...changed, resumed };
      });
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Refuses what would be gone with this process, and a folder that opening would make. */
function checkNames(from: string, to: string): void {
  if (to.startsWith("memory:")) throw new RangeError("store: memory: would end with this command");
  const folder = from.startsWith("lmdb:") ? from.slice("lmdb:".length) : undefined;
  if (folder !== undefined && !existsSync(folder))
    throw new StoreError("missing", `${from}: there is no such database`, { hint: "check its name" });
}

/** What tells one realm's records from another's. */
interface Identity {
  readonly realm: string;
  readonly masterKeyId: string | undefined;
}

/** Whose records a database has, by its TGS; undefined: there is none. */
async function identityOf(store: KeyValueStore): Promise<Identity | undefined> {
  for await (const [key, bytes] of store.scan(`${PRINCIPAL_PREFIX}krbtgt/`)) {
    const principal = principalOfKey(key);
    const realm = realmOf(principal);
    if (principal === krbtgtOf(realm)) return { realm, masterKeyId: masterKeyIdOf(bytes) };
  }
  return undefined;
}

/** A database in PostgreSQL is one realm's by its name. */
function checkRealmOf(to: string, { realm }: Identity): void {
  const wanted = isPostgresName(to) ? postgresPlace(to).realm : realm;
  if (wanted !== realm)
    throw new StoreError("exists", `${shown(to)}: for the realm ${wanted}, and these are of ${realm}`, {
      hint: `name the database of its own realm: ?realm=${realm}`,
    });
}

/** Records of another realm, or under another master key, are no older form of these. */
async function checkTarget(target: KeyValueStore, name: string, source: Identity): Promise<void> {
  const there = await identityOf(target);
  if (there === undefined) return;
  if (there.realm !== source.realm)
    throw new StoreError(
      "exists",
      `${shown(name)}: has the realm ${there.realm}, and these are of ${source.realm}`,
      {
        hint: "name the database of its own realm",
      },
    );
  if (there.masterKeyId !== source.masterKeyId)
    throw new StoreError("wrong-key", `${shown(name)}: its records are sealed under another master key`, {
      hint: "these are two realms of one name: a copy would destroy the second; delete it first if that is meant",
    });
}

async function checkSource(source: KeyValueStore, name: string): Promise<Identity> {
  const unfinished = await filledFrom(source);
  if (unfinished !== undefined)
    throw new StoreError("corrupt", `${shown(name)}: it is only half filled (${unfinished})`, {
      hint: "finish that first, by the same command",
    });
  const identity = await identityOf(source);
  if (identity !== undefined) return identity;
  throw new StoreError("missing", `${shown(name)}: there is no realm in it`, { hint: "check its name" });
}

/** What was done to the target. */
type Changed = Pick<CopiedPrincipals, "written" | "removed">;

/** Goes over both until a whole round finds nothing different. */
async function copyAll(
  source: KeyValueStore,
  target: KeyValueStore,
  from: string,
  onRecord: (count: number) => void,
): Promise<Changed> {
  let [written, removed] = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    const changed = await copyOnce(source, target, onRecord);
    written += changed.written;
    removed += changed.removed;
    if (changed.written + changed.removed === 0) return { written, removed };
  }
  throw new StoreError("unavailable", `${shown(from)}: it changes all the time`, {
    hint: "change no principals while they are copied, and copy again",
  });
}

/** Goes over both once, side by side, and writes what differs. */
async function copyOnce(
  source: KeyValueStore,
  target: KeyValueStore,
  onRecord: (count: number) => void,
): Promise<Changed> {
  const gone: string[] = [];
  const written = await fill(target, differing(source, target, gone, onRecord));
  for (const key of gone) await target.update(key, () => undefined);
  return { written, removed: gone.length };
}

/**
 * The source's records that the target lacks or has otherwise. What the target lacks is only added: if
 * somebody adds it meanwhile, the next round finds that it differs.
 */
async function* differing(
  source: KeyValueStore,
  target: KeyValueStore,
  gone: string[],
  onRecord: (count: number) => void,
): AsyncGenerator<NewRecord> {
  const there = target.scan(PRINCIPAL_PREFIX)[Symbol.asyncIterator]();
  let found = await there.next();
  let count = 0;
  for await (const [key, value] of source.scan(PRINCIPAL_PREFIX)) {
    for (; !found.done && isBefore(found.value[0], key); found = await there.next())
      gone.push(found.value[0]);
    onRecord(++count);
    const same = !found.done && found.value[0] === key;
    const isLike = !found.done && same && Buffer.compare(found.value[1], value) === 0;
    if (same) found = await there.next();
    if (!isLike) yield [key, value, same ? "replace" : "keep"];
  }
  for (; !found.done; found = await there.next()) gone.push(found.value[0]);
}

/** By the order of a store: that of UTF-8 bytes. */
function isBefore(a: string, b: string): boolean {
  return Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8")) < 0;
}

/** A database's name without a password. */
function shown(name: string): string {
  return name.replace(/\/\/[^@/]*@/, "//…@");
}
