/**
 * The realm's principals: records in a key-value store, with their keys sealed under the master key.
 *
 * A decoded entry is kept beside the raw bytes it came from. Unless changes are followed, `get` always reads
 * the raw bytes first and returns the kept entry only if they are the same, so it is never stale, whoever
 * wrote to the store; it saves unsealing and preparing keys that are used again and again.
 *
 * A store that reads over a network is spared the reading (`follow`): what is kept stands until the store
 * tells of a change, and for no longer than the store's bound of staleness.
 */
import type { CacheLoad } from "../collections/cache-load.js";
import { krbtgtOf, type Principal, realmOf } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { filledFrom } from "./filling-mark.js";
import { KeptEntries, type KeptEntry } from "./kept-entries.js";
import type { KeyValueStore } from "./key-value-store.js";
import { LoginClients } from "./login-clients.js";
import { MasterKey } from "./master-key.js";
import { MasterKeys } from "./master-keys.js";
import { masterKeyOf, openEntry } from "./open-record.js";
import { PRINCIPAL_PREFIX as PREFIX, principalOfKey } from "./principal-key.js";
import { decodePrincipal, encodePrincipal, isSealedUnder } from "./principal-record.js";
import { StoreError } from "./store-error.js";

/** How many bytes the entries kept may take together: some 18,000 entries. */
const KEPT_BYTES = 128 * 1024 * 1024;
/** The principals of one realm. Returned entries are shared: callers must not wipe their keys. */
export class PrincipalStore {
  readonly #records: KeyValueStore;
  readonly #masterKeys: MasterKeys;
  readonly #kept: KeptEntries;
  /** @internal Its principals as clients of logins. */
  readonly clients: LoginClients;

  /**
   * @internal Takes over the store: `close` closes it. The caller keeps the master key.
   * @param keptBytes how many bytes the decoded entries may take; the one not asked for longest goes first.
   */
  constructor(records: KeyValueStore, masterKeys: MasterKey | MasterKeys, keptBytes = KEPT_BYTES) {
    this.#records = records;
    this.#kept = new KeptEntries(keptBytes);
    this.#masterKeys = masterKeys instanceof MasterKey ? new MasterKeys([masterKeys]) : masterKeys;
    this.clients = new LoginClients(records, this.#kept, this.#masterKeys);
  }

  /** How full the cache of decoded entries is. */
  get load(): CacheLoad {
    return this.#kept.load;
  }

  /**
   * From now on answers from what is kept, within the store's bound of staleness, if the store reads over a
   * network; otherwise nothing changes.
   */
  follow(): void {
    this.#kept.follow(this.#records);
  }

  /** Whether what `get` returns may be as old as the store's bound of staleness. */
  get isFollowing(): boolean {
    return this.#kept.isFollowing;
  }

  /**
   * The entry of a principal, or undefined; where changes are followed it may be a kept one. No refusal may
   * stand on that: `getAnew`.
   * @throws StoreError as `decodePrincipal`; `unavailable` when the store is closed, or can't be reached.
   */
  async get(principal: Principal): Promise<PrincipalEntry | undefined> {
    const usable = this.#kept.usable(principal);
    if (usable !== undefined) return usable.entry ?? this.#entryOf(principal, usable);
    try {
      return await this.getAnew(principal);
    } catch (error) {
      // Now that the store is known to be away, what is kept may be usable for longer.
      const kept = this.#kept.usable(principal);
      if (!(error instanceof StoreError) || kept === undefined) throw error;
      return this.#entryOf(principal, kept);
    }
  }

  /** The entry of a principal as the store has it now, or undefined. Throws as `get`. */
  async getAnew(principal: Principal): Promise<PrincipalEntry | undefined> {
    const begun = this.#kept.beginReading();
    const bytes = await this.#records.get(PREFIX + principal, this.#kept.peek(principal)?.bytes);
    if (bytes === undefined) {
      this.#kept.forget(principal);
      return undefined;
    }
    const kept = this.#kept.keep(principal, bytes, begun);
    return kept.entry ?? this.#entryOf(principal, kept);
  }

  /** @internal From what the database is being filled; undefined: it is whole. */
  async filledFrom(): Promise<string | undefined> {
    return filledFrom(this.#records);
  }

  async #entryOf(principal: Principal, kept: KeptEntry): Promise<PrincipalEntry> {
    kept.entry ??= kept.proven ?? (await openEntry(this.#masterKeys, kept.bytes, principal));
    return kept.entry;
  }

  /** Writes, and forgets what is kept: also where it fails, since it may have been written. */
  async #write(
    principal: Principal,
    change: (current: Uint8Array | undefined) => Uint8Array | undefined,
  ): Promise<void> {
    try {
      await this.#records.update(PREFIX + principal, change);
    } finally {
      this.#kept.changed(principal);
    }
  }

  /**
   * Adds a principal.
   * @throws StoreError `exists` if there is one of that name, whatever the state of its record; as `get` for
   *   the realm's TGS.
   */
  async create(entry: PrincipalEntry): Promise<void> {
    const { principal } = entry;
    await this.#masterKeys.refresh();
    // The first record that a roll-over seals anew: where it does not open, neither would others open this
    // one.
    await this.get(krbtgtOf(realmOf(principal)));
    await this.#write(principal, (current) => {
      if (current !== undefined)
        throw new StoreError("exists", `${principal}: already exists; change it, or delete it first`);
      return encodePrincipal(entry, this.#masterKeys.current);
    });
  }

  /**
   * Changes a principal in one atomic step and returns the entry written.
   * @param change makes the new entry from the current one; synchronous, may be called more than once. If it
   *   throws, nothing is written and `change` rejects with that error.
   * @throws StoreError `missing` if there is none of that name; TypeError if the new entry bears another
   *   name.
   */
  async change(
    principal: Principal,
    change: (entry: PrincipalEntry) => PrincipalEntry,
  ): Promise<PrincipalEntry> {
    let written: PrincipalEntry | undefined;
    await this.#masterKeys.refresh();
    await this.#write(principal, (current) => {
      if (current === undefined) throw new StoreError("missing", `${principal}: there is no such principal`);
      written = change(this.#decode(current, principal));
      if (written.principal !== principal)
        throw new TypeError(`change: expected an entry of ${principal}, got one of ${written.principal}`);
      return encodePrincipal(written, this.#masterKeys.current);
    });
    return written as PrincipalEntry;
  }

  /** Removes a principal, whatever the state of its record, and returns whether there was one. */
  async delete(principal: Principal): Promise<boolean> {
    let existed = false;
    await this.#write(principal, (current) => {
      existed = current !== undefined;
      return undefined;
    });
    return existed;
  }

  /**
   * All principals whose names begin so, ordered by name.
   * @throws StoreError as `get`, at the first record that cannot be opened.
   */
  async *list(prefix = ""): AsyncGenerator<PrincipalEntry> {
    for await (const [key, bytes] of this.#records.scan(PREFIX + prefix)) {
      const principal = principalOfKey(key);
      yield await openEntry(this.#masterKeys, bytes, principal);
    }
  }

  /** How many there are. */
  count(): Promise<number> {
    return this.#records.scan(PREFIX).count();
  }

  /** Their names alone, whatever the state of their records. */
  async *names(prefix = ""): AsyncGenerator<Principal> {
    for await (const [key] of this.#records.scan(PREFIX + prefix)) yield principalOfKey(key);
  }

  /**
   * Seals under the current master key whatever is sealed under another.
   * @param first is sealed before all others: of two processes with different new keys one is refused there.
   * @param onSealed told of each record that was.
   * @returns how many were.
   * @throws StoreError as `get`, at the first record that can't be opened.
   */
  async reseal(first: Principal, onSealed: (principal: Principal) => void = () => {}): Promise<number> {
    let sealed = 0;
    const sealOne = async (key: string, bytes: Uint8Array | undefined) => {
      if (bytes === undefined || isSealedUnder(bytes, this.#masterKeys.current)) return;
      const principal = principalOfKey(key);
      await this.#records.update(
        key,
        (current) => current && encodePrincipal(this.#decode(current, principal), this.#masterKeys.current),
      );
      sealed++;
      onSealed(principal);
    };
    await sealOne(PREFIX + first, await this.#records.get(PREFIX + first));
    for await (const [key, bytes] of this.#records.scan(PREFIX)) await sealOne(key, bytes);
    return sealed;
  }

  /** Opens a record under whichever master key it was sealed. Throws as `decodePrincipal`. */
  #decode(bytes: Uint8Array, principal: Principal): PrincipalEntry {
    return decodePrincipal(bytes, masterKeyOf(bytes, this.#masterKeys), principal);
  }

  /** Closes the underlying store. */
  async close(): Promise<void> {
    this.#kept.clear();
    await this.#records.close();
  }
}
