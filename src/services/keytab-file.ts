/**
 * A service's keytab as a file that may be replaced while the service runs (`tessera kadmin ktadd`).
 *
 * Invariant: the keys handed out are those of the last file that could be read. The file is looked at when keys are
 * asked for, at most ten times a second, and read again when it is another one; a broken file is reported once and changes
 * nothing.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { readPrivateFile } from "../files/private-file.js";
import { PrivateFileError } from "../files/private-file-error.js";
import { parseKeytabFile } from "../formats/keytab.js";
import { KeytabError } from "../formats/keytab-error.js";
import type { Key } from "../protocol/keys.js";
import type { Principal } from "../protocol/principal.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import type { Clock } from "./clock.js";

/** Settings of a keytab file. */
export interface KeytabFileOptions {
  /** The present, in milliseconds; the system's clock by default. */
  readonly clock?: Clock | undefined;
  /** Told once of each new file that can't be used. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** How often the file is looked at, in milliseconds. */
const LOOK_EVERY = 100;

/** The keys of a keytab file, as fresh as the file. */
export class KeytabFile {
  readonly path: string;
  readonly #clock: Clock;
  readonly #onError: (error: Error) => void;
  #services: ReadonlyMap<Principal, ServiceKeys>;
  #seen: string;
  #lookedAt: number;

  private constructor(path: string, bytes: Uint8Array, seen: string, options: KeytabFileOptions) {
    this.path = path;
    this.#clock = options.clock ?? Date.now;
    this.#onError = options.onError ?? (() => {});
    this.#services = readServices(path, bytes);
    this.#seen = seen;
    this.#lookedAt = this.#clock();
  }

  /**
   * Opens a keytab.
   * @throws PrivateFileError as `readPrivateFile`; KeytabError for a file that is no keytab or holds no key.
   */
  static async open(path: string, options: KeytabFileOptions = {}): Promise<KeytabFile> {
    // Looked at before it is read: a change in between is noticed later, not missed.
    const seen = identityOf(path);
    const bytes = await readPrivateFile(path);
    try {
      return new KeytabFile(path, bytes, seen, options);
    } finally {
      bytes.fill(0);
    }
  }

  /** The principals that have keys here, in the order of the file. */
  get principals(): readonly Principal[] {
    this.#refresh();
    return [...this.#services.keys()];
  }

  /**
   * The keys of a service.
   * @param principal may be left out where the keytab is that of one principal.
   * @throws KeytabError when there are no keys for it, or when it must be named.
   */
  serviceKeys(principal?: Principal): ServiceKeys {
    this.#refresh();
    const names = [...this.#services.keys()];
    if (principal === undefined && names.length > 1)
      throw new KeytabError(`${this.path}: holds keys of ${names.join(", ")}; say which is meant`);
    const found = this.#services.get(principal ?? names[0]!);
    if (found === undefined)
      throw new KeytabError(`${this.path}: no key of ${principal}; it holds keys of ${names.join(", ")}`);
    return found;
  }

  #refresh(): void {
    const now = this.#clock();
    if (Math.abs(now - this.#lookedAt) < LOOK_EVERY) return;
    this.#lookedAt = now;
    const seen = identityOf(this.path);
    if (seen === this.#seen) return;
    this.#seen = seen;
    try {
      const bytes = readPrivateNow(this.path);
      this.#services = readServices(this.path, bytes);
      bytes.fill(0);
    } catch (error) {
      this.#onError(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** What tells one state of the file from another; empty where it is gone. */
function identityOf(path: string): string {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? "" : [status.ino, status.size, status.mtimeNs, status.ctimeNs].join(" ");
}

function readServices(path: string, bytes: Uint8Array): Map<Principal, ServiceKeys> {
  const services = new Map<Principal, ServiceKeys>();
  for (const { principal, kvno, key } of parseKeytabFile(path, bytes)) {
    requireUsable(path, principal, kvno, key);
    const keys = services.get(principal)?.keys ?? [];
    services.set(principal, { principal, keys: [...keys, { kvno, key }] });
  }
  if (services.size === 0)
    throw new KeytabError(`${path}: holds no key; write one: tessera kadmin ktadd -k ${path} SERVICE`);
  return services;
}

/** A weak DES key, or one of bad parity, is found here and not in the midst of an exchange. */
function requireUsable(path: string, principal: Principal, kvno: number, key: Key): void {
  try {
    key.cipher;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new KeytabError(
      `${path}: ${principal}, kvno ${kvno}, ${key.etype.name}: ${error.message}; ` +
        `make another: tessera kadmin ktadd -k ${path} ${principal}`,
      { cause: error },
    );
  }
}

/** The rules of `readPrivateFile`, without a wait: keys are asked for in the midst of an exchange. */
function readPrivateNow(path: string): Uint8Array {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  let fd: number;
  try {
    fd = openSync(path, flags);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    const text = `${path}: ${missing ? "no such file" : (error as Error).message}`;
    throw new PrivateFileError(missing ? "missing" : "unavailable", path, text, { cause: error });
  }
  try {
    const { mode, uid } = fstatSync(fd);
    const user = process.geteuid?.();
    const regular = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!regular || (user !== undefined && (uid !== user || (mode & 0o077) !== 0)))
      throw new PrivateFileError("unsafe", path, `${path}: not a file that user ${user} alone may read`);
    return Uint8Array.from(readFileSync(fd));
  } finally {
    closeSync(fd);
  }
}
