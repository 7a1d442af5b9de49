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
import { Doorkeeper } from "../collections/doorkeeper.js";
import { type AsClient, asClient, type Decoy } from "../protocol/decoy.js";
import { krbtgtOf, type Principal, realmOf } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { filledFrom } from "./filling-mark.js";
import { KeptEntries, type KeptEntry, type Reading, sameBytes } from "./kept-entries.js";
import type { KeyValueStore } from "./key-value-store.js";
import { MasterKey } from "./master-key.js";
import { MasterKeys } from "./master-keys.js";
import { masterKeyOf, withFreshKeys } from "./open-record.js";
import { PRINCIPAL_PREFIX as PREFIX, principalOfKey } from "./principal-key.js";
import { decodePrincipal, encodePrincipal, isSealedUnder } from "./principal-record.js";
import { StoreError } from "./store-error.js";

/** No principal's: nothing is ever stored here. */
const ABSENT = `${PREFIX}@`;
/** Under which a decoy is kept, so that the same is done for every name; no principal's. */
const NOBODY = "@" as Principal;
/** How many bytes the entries kept may take together: some 18,000 entries. */
const KEPT_BYTES = 128 * 1024 * 1024;
/** Of how many clients it is known that they came lately. */
const CAME_LATELY = 16 * 1024;
/** The record of the decoy last asked for, sealed under the master key of the time. */
interface DecoyRecord {
  readonly entry: PrincipalEntry;
  readonly masterKey: MasterKey;
  readonly bytes: Uint8Array;
}

/** The client of a login, as the store has it. */
export interface FoundClient extends AsClient {
  /**
   * It has logged in: if it came lately, or there is room, `atHand` gives it from now on; otherwise its keys
   * are wiped, as they are for whoever has not.
   */
  hasLoggedIn(): void;
}

/** The principals of one realm. Returned entries are shared: callers must not wipe their keys. */
export class PrincipalStore {
  readonly #records: KeyValueStore;
  readonly #masterKeys: MasterKeys;
  #decoy: DecoyRecord | undefined;
  readonly #kept: KeptEntries;
  readonly #cameLately = new Doorkeeper(CAME_LATELY);

  /**
   * @internal Takes over the store: `close` closes it. The caller keeps the master key.
   * @param keptBytes how many bytes the decoded entries may take; the one not asked for longest goes first.
   */
  constructor(records: KeyValueStore, masterKeys: MasterKey | MasterKeys, keptBytes = KEPT_BYTES) {
    this.#records = records;
    this.#kept = new KeptEntries(keptBytes);
    this.#masterKeys = masterKeys instanceof MasterKey ? new MasterKeys([masterKeys]) : masterKeys;
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

  /**
   * @internal The client of a login as far as it is at hand: its entry, if it has logged in before with what
   * the store has now, or had within its bound of staleness; otherwise a decoy's. Both are kept, and what a
   * wrong proof costs is the same. No refusal may stand on it: `getOrDecoy`.
   * @throws StoreError as `get`.
   */
  async atHand(principal: Principal, decoy: Decoy): Promise<AsClient> {
    const proven = this.isFollowing
      ? this.#kept.usable(principal)?.proven
      : await this.#provenNow(principal, this.#kept.peek(principal));
    return { entry: proven ?? decoy.entry, exists: proven !== undefined };
  }

  /** @internal Whether `atHand` may find the client's own entry. */
  isKept(principal: Principal): boolean {
    return this.#kept.peek(principal)?.proven !== undefined;
  }

  /**
   * @internal The entry of a client that has proved nothing yet, or a decoy's in its place: the same is read,
   * decoded and made, whether there is such a principal or not, whether it was asked for before or not. The
   * caller wipes its keys, or says that it has logged in.
   * @throws StoreError as `get`.
   */
  async getOrDecoy(principal: Principal, decoy: Decoy): Promise<FoundClient> {
    const begun = this.#kept.beginReading();
    const found = await this.#records.get(PREFIX + principal);
    const exists = found !== undefined;
    // One of two readings finds something, and the other does not.
    const tgs = krbtgtOf(realmOf(principal));
    await this.#records.get(exists ? ABSENT : PREFIX + tgs);
    // Made ready for every name: of two ways the one less travelled is slower.
    const record = this.#recordOf(decoy);
    const [bytes, name] = exists ? [found, principal] : [record, decoy.entry.principal];
    if (this.isFollowing) this.#kept.keep(exists ? principal : NOBODY, bytes, begun);
    return this.#found(decoy, principal, bytes, name, begun, exists);
  }

  /**
   * @internal As `getOrDecoy`, while the store is away: from the record that was read last, if it may still
   * be used. Undefined where changes are not followed.
   * @throws StoreError as `decodePrincipal`.
   */
  async lastKnown(principal: Principal, decoy: Decoy): Promise<FoundClient | undefined> {
    if (!this.isFollowing) return undefined;
    const kept = this.#kept.usable(principal);
    const { told, readAt } = this.#kept.beginReading();
    const begun = { told, readAt: kept?.readAt ?? readAt };
    const record = this.#recordOf(decoy);
    const [bytes, name] = kept === undefined ? [record, decoy.entry.principal] : [kept.bytes, principal];
    return this.#found(decoy, principal, bytes, name, begun, kept !== undefined);
  }

  async #found(
    decoy: Decoy,
    principal: Principal,
    bytes: Uint8Array,
    name: Principal,
    begun: Reading,
    exists: boolean,
  ): Promise<FoundClient> {
    const entry = await this.#again(() => this.#decode(bytes, name));
    const client = asClient(decoy, principal, entry, exists);
    const hasLoggedIn = () => {
      const cameLately = this.#cameLately.knows(principal);
      if (cameLately || this.#kept.hasRoom) this.#kept.keepProven(principal, bytes, begun, client.entry);
      else for (const { key } of client.entry.keys) key.wipe();
    };
    return { ...client, hasLoggedIn };
  }

  /** The entry with which a principal has logged in, if the store has it still. */
  async #provenNow(principal: Principal, kept: KeptEntry | undefined): Promise<PrincipalEntry | undefined> {
    const bytes = await this.#records.get(PREFIX + principal, kept?.bytes);
    return bytes !== undefined && kept !== undefined && sameBytes(bytes, kept.bytes)
      ? kept.proven
      : undefined;
  }

  /** @internal From what the database is being filled; undefined: it is whole. */
  async filledFrom(): Promise<string | undefined> {
    return filledFrom(this.#records);
  }

  async #entryOf(principal: Principal, kept: KeptEntry): Promise<PrincipalEntry> {
    kept.entry ??= kept.proven ?? (await this.#again(() => this.#decode(kept.bytes, principal)));
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

  /** The record of a decoy, which is not stored. */
  #recordOf({ entry }: Decoy): Uint8Array {
    const masterKey = this.#masterKeys.current;
    if (this.#decoy?.entry !== entry || this.#decoy.masterKey !== masterKey)
      this.#decoy = { entry, masterKey, bytes: encodePrincipal(entry, masterKey) };
    return this.#decoy.bytes;
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
      yield await this.#again(() => this.#decode(bytes, principal));
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

  #again(open: () => PrincipalEntry): Promise<PrincipalEntry> {
    return withFreshKeys(this.#masterKeys, open);
  }

  /** Closes the underlying store. */
  async close(): Promise<void> {
    this.#kept.clear();
    await this.#records.close();
  }
}
