/**
 * Makes one database of principals like another, record by record, while servers run on either. Records stay
 * sealed: it needs no master key.
 */
import type { KeyValueStore } from "../../store/key-value-store.js";
import { createStore, openStore } from "../../store/open-store.js";
import { PRINCIPAL_PREFIX } from "../../store/principal-key.js";
import { StoreError } from "../../store/store-error.js";
import { fill, type NewRecord } from "./fill.js";
import { beginMove, endMove, type MoveRules, unfinishedMove } from "./unfinished-move.js";

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
 * @throws StoreError `exists` if the target has principals already, or is being filled from elsewhere;
 *   `missing` if the source has none; `unavailable` if the source never stands still; as the stores do.
 */
export async function copyPrincipals(
  from: string,
  to: string,
  rules: MoveRules,
  onRecord: (count: number) => void = () => {},
): Promise<CopiedPrincipals> {
  const source = await openStore(from);
  try {
    await checkSource(source, from);
    const target = await createStore(to);
    try {
      const resumed = await beginMove(target, `copy of ${shown(from)}`, rules, shown(to));
      let [written, removed] = [0, 0];
      for (let round = 0; ; round++) {
        if (round === ROUNDS)
          throw new StoreError("unavailable", `${shown(from)}: it changes all the time`, {
            hint: "change no principals while they are copied, and copy again",
          });
        const changed = await copyOnce(source, target, onRecord);
        written += changed.written;
        removed += changed.removed;
        if (changed.written + changed.removed === 0) break;
      }
      await endMove(target);
      return { written, removed, resumed };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function checkSource(source: KeyValueStore, name: string): Promise<void> {
  const unfinished = await unfinishedMove(source);
  if (unfinished !== undefined)
    throw new StoreError("corrupt", `${shown(name)}: it is only half filled (${unfinished})`, {
      hint: "finish that first, by the same command",
    });
  for await (const _ of source.scan(PRINCIPAL_PREFIX)) return;
  throw new StoreError("missing", `${shown(name)}: there are no principals`, { hint: "check its name" });
}

/** Goes over both once, side by side, and writes what differs. */
async function copyOnce(
  source: KeyValueStore,
  target: KeyValueStore,
  onRecord: (count: number) => void,
): Promise<{ written: number; removed: number }> {
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
