/**
 * The master keys of a realm as its file has them: one, and during a roll-over the new one followed by the
 * old.
 *
 * Invariant: records are sealed under the first. A process that meets a record under a key it does not have,
 * or is about to write, looks whether the file has changed; so a roll-over reaches servers that run.
 */
import { fileIdentity } from "../files/file-identity.js";
import { loadMasterKeys, type MasterKey } from "./master-key.js";

/** The master keys of a realm, newest first. */
export class MasterKeys {
  readonly #file: string | undefined;
  #keys: readonly MasterKey[];
  #identity: string | undefined;

  /**
   * @param keys newest first; at least one.
   * @param file where they were read, to be read again when it changes; undefined for keys in memory.
   * @param identity of the file as it was read (`fileIdentity`).
   */
  constructor(keys: readonly [MasterKey, ...MasterKey[]], file?: string, identity?: string) {
    this.#keys = keys;
    this.#file = file;
    this.#identity = identity;
  }

  /** Reads the file. Throws as `loadMasterKeys`. */
  static async open(file: string): Promise<MasterKeys> {
    // Before the reading: a file that changes in between is read once more, never once too few.
    const identity = fileIdentity(file)?.text;
    return new MasterKeys(await loadMasterKeys(file), file, identity);
  }

  /** The key under which records are sealed. */
  get current(): MasterKey {
    return this.#keys[0]!;
  }

  /** All of them, newest first. */
  get all(): readonly MasterKey[] {
    return this.#keys;
  }

  /**
   * Reads the file again if it is another than before.
   * @returns whether it was.
   * @throws as `loadMasterKeys`.
   */
  async refresh(): Promise<boolean> {
    if (this.#file === undefined) return false;
    const identity = fileIdentity(this.#file)?.text;
    if (identity === this.#identity) return false;
    this.#keys = await loadMasterKeys(this.#file);
    this.#identity = identity;
    return true;
  }
}
