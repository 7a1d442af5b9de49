/**
 * Opens a key-value store by its name, `type:rest`. A new backend is one new file and one row in this one,
 * and holds principals, notes and replay caches alike. A backend with a driver is loaded when it is opened,
 * so that programs that do not use it can be bundled without the driver.
 */
import type { KeyValueStore } from "./key-value-store.js";
import { openMemoryStore } from "./memory-store.js";

/** A kind of store. */
interface Backend {
  readonly open: (rest: string) => Promise<KeyValueStore>;
  /** Makes one where opening does not. */
  readonly create?: (rest: string) => Promise<KeyValueStore>;
  /** Does what nobody else may do meanwhile; absent where only this process has it. */
  readonly alone?: <T>(rest: string, work: () => Promise<T>) => Promise<T>;
  /** What is wrong with it, in words; absent where nothing can be. */
  readonly examine?: (rest: string) => Promise<string | undefined>;
}

const POSTGRES: Backend = {
  open: async (rest) => (await import("./postgres/store.js")).openPostgresStore(`postgres:${rest}`),
  create: async (rest) => (await import("./postgres/store.js")).createPostgresStore(`postgres:${rest}`),
  alone: async (rest, work) =>
    (await import("./postgres/alone.js")).aloneOnPostgres(`postgres:${rest}`, work),
};

const BACKENDS: Readonly<Record<string, Backend>> = {
  memory: { open: async () => openMemoryStore() },
  lmdb: {
    open: async (dir) => (await import("./lmdb/store.js")).openLmdbStore(dir),
    alone: async (dir, work) => (await import("./lmdb/alone.js")).aloneOnLmdb(dir, work),
    examine: async (dir) => (await import("./lmdb/trial.js")).examineLmdbStore(dir),
  },
  postgres: POSTGRES,
  postgresql: POSTGRES,
};

/**
 * Opens a store: `memory:`, `lmdb:DIR`, or `postgres://…` as postgres-place.ts has it, for principals alone.
 * @throws RangeError for a name of another form or type, listing the known types; StoreError as thrown by the
 *   backend.
 */
export async function openStore(name: string): Promise<KeyValueStore> {
  const { backend, rest } = backendOf(name);
  return backend.open(rest);
}

/** Opens a store, and makes it where that takes more than opening it. Throws as `openStore`. */
export async function createStore(name: string): Promise<KeyValueStore> {
  const { backend, rest } = backendOf(name);
  return (backend.create ?? backend.open)(rest);
}

/**
 * Does what nobody else does by this function on the same store meanwhile, in any process, on any machine.
 * Others read and write as ever.
 * @param name of a store that is open, or was.
 * @throws StoreError `busy` if somebody else does; as the backend; whatever `work` throws.
 */
export async function aloneOn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const { backend, rest } = backendOf(name);
  return backend.alone === undefined ? work() : backend.alone(rest, work);
}

/**
 * Reads all of a store, without harm to this process whatever is wrong with it.
 * @returns what is wrong, in words; undefined if nothing is.
 * @throws RangeError as `openStore`.
 */
export async function examineStore(name: string): Promise<string | undefined> {
  const { backend, rest } = backendOf(name);
  return backend.examine?.(rest);
}

function backendOf(name: string): { backend: Backend; rest: string } {
  const colon = name.indexOf(":");
  const type = name.slice(0, Math.max(colon, 0));
  const rest = name.slice(colon + 1);
  const backend = Object.hasOwn(BACKENDS, type) ? BACKENDS[type] : undefined;
  // Somebody's URL may hold a password.
  const shown = name.replace(/\/\/[^@]*@/, "//…@");
  if (backend === undefined)
    throw new RangeError(`store: expected memory:, lmdb: or postgres:, got "${shown}"`);
  if ((type === "memory") !== (rest === ""))
    throw new RangeError(`store: expected ${type === "memory" ? "memory:" : `${type}:DIR`}, got "${shown}"`);
  return { backend, rest };
}
