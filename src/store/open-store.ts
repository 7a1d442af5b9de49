/**
 * Opens a key-value store by its name, `type:rest`. A new backend is one new file and one row in this one,
 * and holds principals, notes and replay caches alike. A backend with a driver is loaded when it is opened,
 * so that programs that do not use it can be bundled without the driver.
 */
import type { KeyValueStore } from "./key-value-store.js";
import { openMemoryStore } from "./memory-store.js";

const OPENERS: Readonly<Record<string, (rest: string) => Promise<KeyValueStore>>> = {
  memory: async () => openMemoryStore(),
  lmdb: async (dir) => (await import("./lmdb-store.js")).openLmdbStore(dir),
};

/**
 * Opens a store: `memory:` or `lmdb:DIR`.
 * @throws RangeError for a name of another form or type, listing the known types; StoreError as thrown by the
 *   backend.
 */
export async function openStore(name: string): Promise<KeyValueStore> {
  const colon = name.indexOf(":");
  const type = name.slice(0, Math.max(colon, 0));
  const rest = name.slice(colon + 1);
  const opener = Object.hasOwn(OPENERS, type) ? OPENERS[type] : undefined;
  if (opener === undefined)
    throw new RangeError(`store: expected ${Object.keys(OPENERS).join(": or ")}:, got "${name}"`);
  if ((type === "memory") !== (rest === ""))
    throw new RangeError(`store: expected ${type === "memory" ? "memory:" : `${type}:DIR`}, got "${name}"`);
  return opener(rest);
}
