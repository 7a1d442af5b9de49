/**
 * Notes, each owned by the principal that wrote it: what V keeps for its callers.
 *
 * The key is the owner's canonical text, NUL, the note's name. Neither contains a NUL, so no owner's notes
 * fall under another's prefix.
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { KeyQueues } from "../collections/key-queues.js";
import { NoteRecordSchema } from "../gen/kerberos/storage/v1/note_record_pb.js";
import { KrbError, malformed, tooLong } from "../protocol/krb-error.js";
import type { Principal } from "../protocol/principal.js";
import type { KeyValueStore } from "./key-value-store.js";
import { openStore } from "./open-store.js";
import { isPostgresName } from "./postgres/place.js";
import { StoreError } from "./store-error.js";

/** Longest name of a note, in characters. */
export const MAX_NOTE_NAME = 128;
/** Longest text of a note, in bytes of UTF-8. */
export const MAX_NOTE_TEXT = 4096;
/** The most notes one owner may have. */
export const MAX_NOTES = 64;

const NAME = /^[A-Za-z0-9._-]+$/;

/** A note. `modified` is milliseconds since the epoch. */
export interface Note {
  readonly name: string;
  readonly text: string;
  readonly modified: number;
}

/**
 * Opens notes by the name of their store, as `openStore` takes it.
 * @throws RangeError for PostgreSQL, which keeps principals alone; otherwise as `openStore`.
 */
export async function openNotesStore(name: string): Promise<NotesStore> {
  if (isPostgresName(name))
    throw new RangeError("notes: PostgreSQL keeps principals alone; expected memory: or lmdb:DIR");
  return new NotesStore(await openStore(name));
}

/** Notes by owner and name. */
export class NotesStore {
  readonly #records: KeyValueStore;
  /** One `put` of an owner at a time: it counts the owner's notes. */
  readonly #puts = new KeyQueues<Principal>();

  /** Takes over the store: `close` closes it. */
  constructor(records: KeyValueStore) {
    this.#records = records;
  }

  /**
   * Writes a note, replacing an earlier one of that name.
   * @throws KrbError KRB_ERR_FIELD_TOOLONG for a name over 128 characters or a text over 4096 bytes;
   *   KRB_ERR_GENERIC for a name with characters other than letters, digits, `.`, `_`, `-`, or a text that is
   *   not well-formed Unicode; KDC_ERR_POLICY for an owner's 65th note.
   */
  async put(owner: Principal, name: string, text: string, now: number): Promise<void> {
    checkName(name);
    checkText(text);
    await this.#puts.run(owner, () => this.#put(owner, name, text, now));
  }

  /**
   * The owner's note of that name, or undefined.
   * @throws KrbError for a name that `put` refuses; StoreError `corrupt` for a damaged record.
   */
  async get(owner: Principal, name: string): Promise<Note | undefined> {
    checkName(name);
    const bytes = await this.#records.get(keyOf(owner, name));
    return bytes === undefined ? undefined : noteOf(owner, name, bytes);
  }

  /** The owner's notes, ordered by name. Throws StoreError `corrupt` for a damaged record. */
  async list(owner: Principal): Promise<Note[]> {
    const prefix = keyOf(owner, "");
    const notes: Note[] = [];
    for await (const [key, bytes] of this.#records.scan(prefix))
      notes.push(noteOf(owner, key.slice(prefix.length), bytes));
    return notes;
  }

  /**
   * Deletes the owner's note of that name and returns whether there was one. Throws KrbError for a name that
   * `put` refuses.
   */
  async delete(owner: Principal, name: string): Promise<boolean> {
    checkName(name);
    let existed = false;
    await this.#records.update(keyOf(owner, name), (current) => {
      existed = current !== undefined;
      return undefined;
    });
    return existed;
  }

  /** Closes the underlying store. */
  async close(): Promise<void> {
    await this.#puts.idle();
    await this.#records.close();
  }

  async #put(owner: Principal, name: string, text: string, now: number): Promise<void> {
    const key = keyOf(owner, name);
    if ((await this.#records.get(key)) === undefined && (await this.#count(owner)) >= MAX_NOTES)
      throw new KrbError("KDC_ERR_POLICY", `at most ${MAX_NOTES} notes each; delete one first`, {
        rule: "notes-per-owner",
        limit: String(MAX_NOTES),
      });
    const bytes = toBinary(
      NoteRecordSchema,
      create(NoteRecordSchema, { text, modified: BigInt(Math.trunc(now)) }),
    );
    await this.#records.update(key, () => bytes);
  }

  async #count(owner: Principal): Promise<number> {
    let count = 0;
    for await (const _ of this.#records.scan(keyOf(owner, ""))) count += 1;
    return count;
  }
}

function keyOf(owner: Principal, name: string): string {
  return `note:${owner}\0${name}`;
}

function noteOf(owner: Principal, name: string, bytes: Uint8Array): Note {
  try {
    const { text, modified } = fromBinary(NoteRecordSchema, bytes);
    return { name, text, modified: Number(modified) };
  } catch {
    throw new StoreError(
      "corrupt",
      `note ${name} of ${owner}: damaged; delete it or restore it from a backup`,
    );
  }
}

function checkName(name: string): void {
  if (name.length > MAX_NOTE_NAME) throw tooLong("name", name.length, MAX_NOTE_NAME);
  if (!NAME.test(name)) throw malformed("name", "letters, digits, '.', '_' and '-', at least one");
}

function checkText(text: string): void {
  const length = Buffer.byteLength(text, "utf8");
  if (length > MAX_NOTE_TEXT) throw tooLong("text", length, MAX_NOTE_TEXT);
  if (!text.isWellFormed()) throw malformed("text", "not well-formed Unicode");
}
