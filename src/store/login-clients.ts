/**
 * Principals as clients of logins, who have proved nothing yet: whether there is such a principal must not
 * show in what is done. Only who has logged in before is at hand, and no refusal may stand on that
 * (docs/design.md, "Only a right proof is quick").
 */
import { Doorkeeper } from "../collections/doorkeeper.js";
import { type AsClient, asClient, type Decoy } from "../protocol/decoy.js";
import { krbtgtOf, type Principal, realmOf } from "../protocol/principal.js";
import type { PrincipalEntry } from "../protocol/principal-entry.js";
import { type KeptEntries, type KeptEntry, type Reading, sameBytes } from "./kept-entries.js";
import type { KeyValueStore } from "./key-value-store.js";
import type { MasterKey } from "./master-key.js";
import type { MasterKeys } from "./master-keys.js";
import { openEntry } from "./open-record.js";
import { PRINCIPAL_PREFIX as PREFIX } from "./principal-key.js";
import { encodePrincipal } from "./principal-record.js";

/** Before a name: no principal's, under which nothing is ever stored. */
const ABSENT = `${PREFIX}@`;
/** Under which a decoy is kept, so that the same is done for every name; no principal's. */
const NOBODY = "@" as Principal;
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

/** The clients of one realm's AS. */
export class LoginClients {
  readonly #records: KeyValueStore;
  readonly #kept: KeptEntries;
  readonly #masterKeys: MasterKeys;
  readonly #cameLately = new Doorkeeper(CAME_LATELY);
  #decoy: DecoyRecord | undefined;

  /** All three stay their owner's, which follows changes. */
  constructor(records: KeyValueStore, kept: KeptEntries, masterKeys: MasterKeys) {
    this.#records = records;
    this.#kept = kept;
    this.#masterKeys = masterKeys;
  }

  /**
   * The client of a login as far as it is at hand: its entry, if it has logged in before with what
   * the store has now, or had within its bound of staleness; otherwise a decoy's. Both are kept, and what a
   * wrong proof costs is the same. No refusal may stand on it: `getOrDecoy`.
   * @throws StoreError as `PrincipalStore.get`.
   */
  async atHand(principal: Principal, decoy: Decoy): Promise<AsClient> {
    const proven = this.#kept.isFollowing
      ? this.#kept.usable(principal)?.proven
      : await this.#provenNow(principal, this.#kept.peek(principal));
    return { entry: proven ?? decoy.entry, exists: proven !== undefined };
  }

  /** Whether `atHand` may find the client's own entry. */
  isKept(principal: Principal): boolean {
    return this.#kept.peek(principal)?.proven !== undefined;
  }

  /**
   * The entry of a client that has proved nothing yet, or a decoy's in its place: the same is read,
   * decoded and made, whether there is such a principal or not, whether it was asked for before or not. The
   * caller wipes its keys, or says that it has logged in.
   * @throws StoreError as `PrincipalStore.get`.
   */
  async getOrDecoy(principal: Principal, decoy: Decoy): Promise<FoundClient> {
    const begun = this.#kept.beginReading();
    const found = await this.#records.get(PREFIX + principal);
    const exists = found !== undefined;
    // One of two readings finds something, and the other does not.
    const tgs = krbtgtOf(realmOf(principal));
    await this.#records.get(exists ? ABSENT + tgs : PREFIX + tgs);
    // Made ready for every name: of two ways the one less travelled is slower.
    const record = this.#recordOf(decoy);
    const [bytes, name] = exists ? [found, principal] : [record, decoy.entry.principal];
    if (this.#kept.isFollowing) this.#kept.keep(exists ? principal : NOBODY, bytes, begun);
    return this.#found(decoy, principal, bytes, name, begun, exists);
  }

  /**
   * As `getOrDecoy`, while the store is away: from the record that was read last, if it may still
   * be used. Undefined where changes are not followed.
   * @throws StoreError as `decodePrincipal`.
   */
  async lastKnown(principal: Principal, decoy: Decoy): Promise<FoundClient | undefined> {
    if (!this.#kept.isFollowing) return undefined;
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
    const entry = await openEntry(this.#masterKeys, bytes, name);
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

  /** The record of a decoy, which is not stored. */
  #recordOf({ entry }: Decoy): Uint8Array {
    const masterKey = this.#masterKeys.current;
    if (this.#decoy?.entry !== entry || this.#decoy.masterKey !== masterKey)
      this.#decoy = { entry, masterKey, bytes: encodePrincipal(entry, masterKey) };
    return this.#decoy.bytes;
  }
}
