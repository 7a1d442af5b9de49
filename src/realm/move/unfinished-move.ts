/**
 * The mark of a database that is being filled: which dump, or which database, it is filled from. So a move
 * that was interrupted goes on where it is begun again, and a second one from elsewhere is refused.
 */
import { filledFrom, FILLING_KEY as KEY } from "../../store/filling-mark.js";
import type { KeyValueStore } from "../../store/key-value-store.js";
import { PRINCIPAL_PREFIX } from "../../store/principal-key.js";
import { StoreError } from "../../store/store-error.js";

/** How the message of a database begins whose filling was left unfinished. */
export const HALF_FILLED = "only half filled";

/** What a move is allowed to do to what is there. */
export interface MoveRules {
  /** Replace records that are there already; without it the database must be empty. */
  readonly update: boolean;
}

/**
 * Checks that a database may be filled from `source`.
 * @param place names the database in messages.
 * @throws StoreError `exists` if there are principals already, or if it is being filled from elsewhere.
 */
export async function checkMove(
  store: KeyValueStore,
  source: string,
  { update }: MoveRules,
  place: string,
): Promise<void> {
  const found = await filledFrom(store);
  refuseOther(found, source, place);
  if (found === undefined && !update)
    for await (const _ of store.scan(PRINCIPAL_PREFIX))
      throw new StoreError("exists", `${place}: there are principals already`, {
        hint: "fill an empty one, or replace what is there with --update",
      });
}

/**
 * Marks a database as being filled from `source`.
 * @returns whether a move from that source had been interrupted, and goes on.
 * @throws StoreError as `checkMove`.
 */
export async function beginMove(
  store: KeyValueStore,
  source: string,
  rules: MoveRules,
  place: string,
): Promise<boolean> {
  await checkMove(store, source, rules, place);
  let resumed = false;
  await store.update(KEY, (current) => {
    const other = current && Buffer.from(current).toString("utf8");
    refuseOther(other, source, place);
    resumed = other === source;
    return Buffer.from(source, "utf8");
  });
  return resumed;
}

function refuseOther(found: string | undefined, source: string, place: string): void {
  if (found !== undefined && found !== source)
    throw new StoreError("exists", `${place}: it is being filled from elsewhere (${found})`, {
      hint: "finish that first, by the same command",
    });
}

/** Takes the mark away: the database is whole. */
export async function endMove(store: KeyValueStore): Promise<void> {
  await store.update(KEY, () => undefined);
}
