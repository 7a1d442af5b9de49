/**
 * A service's keytab as a file that may change while the service runs (`tessera kadmin ktadd`).
 *
 * Invariant: the keys handed out are those of the last state of the file that could be read. The file is
 * looked at when keys are asked for, at most ten times a second, and read again when it has changed; a broken
 * file is reported once and changes nothing. An entry that is of no use spoils no other: it is passed over
 * and reported once. Only a service that is asked for, and has a key that can't be used, is refused.
 */
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { type FileIdentity, followedFileIdentity, isSettled } from "../files/file-identity.js";
import { filePathOf } from "../files/file-name.js";
import { readSecretNow } from "../files/secret-file.js";
import { parseKeytabFile, type SkippedKeytabEntry, skippedText } from "../formats/keytab.js";
import { KeytabError } from "../formats/keytab-error.js";
import { flawOf } from "../protocol/keys.js";
import type { Principal } from "../protocol/principal.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import { tell, warnOf } from "../rpc/tell.js";
import type { Clock } from "./clock.js";

/** Settings of a keytab file. */
export interface KeytabFileOptions {
  /** The present, in milliseconds; the system's clock by default. */
  readonly clock?: Clock | undefined;
  /** Told once of each new file that can't be used. What a callback throws ends no call. */
  readonly onError?: ((error: Error) => void) | undefined;
  /** Told of each entry that is passed over, once of each new file. */
  readonly onSkipped?: ((text: string) => void) | undefined;
}

const OPTIONS: OptionNames<KeytabFileOptions> = { clock: true, onError: true, onSkipped: true };

/** How often the file is looked at, in milliseconds. */
const LOOK_EVERY = 100;

/** The keys of a keytab file, as fresh as the file. */
export class KeytabFile {
  readonly path: string;
  readonly #options: KeytabFileOptions;
  readonly #clock: Clock;
  #keys: KeytabKeys = { services: new Map(), spoilt: new Map() };
  #seen: FileIdentity | undefined;
  /** Whether no state of the file but the one that was read can bear that identity. */
  #settled = false;
  #lookedAt: number;

  private constructor(name: string, options: KeytabFileOptions) {
    checkOptionNames("KeytabFile", options, OPTIONS);
    this.path = filePathOf(name, "keytab");
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#lookedAt = this.#clock();
    // Looked at before it is read: a change in between is noticed later, not missed.
    this.#look(followedFileIdentity(this.path));
    this.#read(this.#onSkipped);
  }

  /**
   * Opens a keytab.
   * @param name its path, or `FILE:` and its path.
   * @throws PrivateFileError as `readSecret`; KeytabError for a file that is no keytab or holds no usable
   *   key; RangeError for a name of another type.
   */
  static async open(name: string, options: KeytabFileOptions = {}): Promise<KeytabFile> {
    return KeytabFile.openNow(name, options);
  }

  /** Opens a keytab without a wait. Throws as `open`. */
  static openNow(name: string, options: KeytabFileOptions = {}): KeytabFile {
    return new KeytabFile(name, options);
  }

  /** The principals that have keys here, in the order of the file. */
  get principals(): readonly Principal[] {
    this.#refresh();
    return [...this.#keys.services.keys()];
  }

  /**
   * The keys of a service.
   * @param principal may be left out where the keytab is that of one principal.
   * @throws KeytabError when there are no keys for it, when one of them can't be used, or when it must be
   *   named.
   */
  serviceKeys(principal?: Principal): ServiceKeys {
    this.#refresh();
    const { services, spoilt } = this.#keys;
    const names = [...services.keys()];
    if (principal === undefined && names.length > 1)
      throw new KeytabError(`${this.path}: holds keys of ${names.join(", ")}; say which is meant`);
    const asked = principal ?? names[0]!;
    const found = services.get(asked);
    if (found !== undefined) return found;
    throw (
      spoilt.get(asked) ??
      new KeytabError(`${this.path}: no key of ${asked}; it holds keys of ${names.join(", ")}`)
    );
  }

  #refresh(): void {
    const now = this.#clock();
    if (Math.abs(now - this.#lookedAt) < LOOK_EVERY) return;
    this.#lookedAt = now;
    const identity = followedFileIdentity(this.path);
    const isNew = identity?.text !== this.#seen?.text;
    if (!isNew && this.#settled) return;
    this.#look(identity);
    try {
      this.#read(isNew ? this.#onSkipped : undefined);
    } catch (error) {
      const { onError } = this.#options;
      if (isNew && onError !== undefined)
        tell(onError, [error instanceof Error ? error : new Error(String(error))], warnOf("onError"));
    }
  }

  readonly #onSkipped = (text: string): void => {
    const { onSkipped } = this.#options;
    if (onSkipped !== undefined) tell(onSkipped, [text], warnOf("onSkipped"));
  };

  #look(identity: FileIdentity | undefined): void {
    this.#seen = identity;
    this.#settled = identity === undefined || isSettled(identity);
  }

  #read(onSkipped: (text: string) => void = () => {}): void {
    const bytes = readSecretNow(this.path);
    try {
      this.#keys = readKeys(this.path, bytes, onSkipped);
    } finally {
      bytes.fill(0);
    }
  }
}

interface KeytabKeys {
  readonly services: ReadonlyMap<Principal, ServiceKeys>;
  /** Services with a key that can't be used, and why. */
  readonly spoilt: ReadonlyMap<Principal, KeytabError>;
}

function readKeys(path: string, bytes: Uint8Array, onSkipped: (text: string) => void): KeytabKeys {
  const services = new Map<Principal, ServiceKeys>();
  const spoilt = new Map<Principal, KeytabError>();
  const spoil = (principal: Principal, what: string) =>
    spoilt.set(
      principal,
      new KeytabError(`${path}: ${what}; make another: tessera kadmin ktadd -k ${path} ${principal}`),
    );
  const skip = (skipped: SkippedKeytabEntry) => {
    const text = skippedText(skipped);
    onSkipped(`${path}: passed over ${text}`);
    if (skipped.reason === "malformed" && skipped.principal !== undefined) spoil(skipped.principal, text);
  };
  for (const { principal, kvno, key } of parseKeytabFile(path, bytes, skip)) {
    const flaw = flawOf(key);
    if (flaw === undefined) {
      const keys = services.get(principal)?.keys ?? [];
      services.set(principal, { principal, keys: [...keys, { kvno, key }] });
    } else {
      const text = `${principal}, kvno ${kvno}, ${key.etype.name}: ${flaw}`;
      onSkipped(`${path}: passed over a key of ${text}`);
      spoil(principal, text);
    }
  }
  for (const principal of spoilt.keys()) services.delete(principal);
  if (services.size > 0) return { services, spoilt };
  const [first] = spoilt.values();
  throw first ?? new KeytabError(`${path}: holds no key; write one: tessera kadmin ktadd -k ${path} SERVICE`);
}
