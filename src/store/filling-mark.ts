/** The mark that a database has while it is being filled: from what. */
import type { KeyValueStore } from "./key-value-store.js";

/** Where it is; no principal's key. */
export const FILLING_KEY = "filling:";

/** From what a database is being filled, or was when that was interrupted; undefined: it is whole. */
export async function filledFrom(store: Pick<KeyValueStore, "get">): Promise<string | undefined> {
  const found = await store.get(FILLING_KEY);
  return found && Buffer.from(found).toString("utf8");
}
