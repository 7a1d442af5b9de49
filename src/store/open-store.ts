/**
 * Opens a key-value store by its name, `type:rest`. A new backend is one new file and one row in this one.
 */
import type { KeyValueStore } from "./key-value-store.js";
import { openLmdbStore } from "./lmdb-store.js";
import { openMemoryStore } from "./memory-store.js";
import { splitStoreName } from "./store-name.js";

const OPENERS: Readonly<Record<string, (rest: string) => Promise<KeyValueStore>>> = {
  memory: async () => openMemoryStore(),
  lmdb: (dir) => openLmdbStore(dir),
};

/**
 * Opens a store: `memory:` or `lmdb:DIR`.
 * @throws RangeError for a name of another form or type, listing the known types; StoreError as thrown by the
 *   backend.
 */
export async function openStore(name: string): Promise<KeyValueStore> {
  const { opener, rest } = splitStoreName(name, OPENERS);
  return opener(rest);
}
