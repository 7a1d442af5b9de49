/** Writes a dump (frames.ts). */
import { createHash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { withEnvelope } from "../../canonical/encode.js";
import { createPrivateFile, syncFolder } from "../../files/private-file.js";
import { PrivateFileError } from "../../files/private-file-error.js";
import { systemErrorText } from "../../files/system-error.js";
import { DumpFrameSchema, DumpRecordSchema } from "../../gen/kerberos/storage/v1/dump_pb.js";
import type { Principal } from "../../protocol/principal.js";
import type { MasterKey } from "../master-key.js";
import { StoreError } from "../store-error.js";
import { CHUNK, type DumpHeader, frameBytes, HEAD_SIZE, LENGTH_SIZE, MAGIC, VERSION } from "./frames.js";

/** The number of a record's field in a frame. */
const RECORD_FIELD = DumpFrameSchema.field.record.number;

/** Where a dump that was asked for is to be: of a device or a pipe nothing would be left. */
async function placeOf(given: string): Promise<string> {
  const path = await realpath(given).catch(() => given);
  const status = await stat(path).catch(() => undefined);
  if (status !== undefined && !status.isFile())
    throw new PrivateFileError(
      "unavailable",
      given,
      `${given}: is no file; a dump takes the place of what is there`,
      {
        hint: "name a file",
      },
    );
  return path;
}

/** Writes a dump under a temporary name; `finish` gives it its own. */
export class DumpWriter {
  readonly #path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash("sha256");
  /** What is to be written next, and hashed then, is in its first `#pending` bytes. */
  #buffer = Buffer.allocUnsafe(2 * CHUNK);
  #pending = 0;
  #records = 0;

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.#path = path;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /**
   * Begins a dump; mode 0600. A link is followed: what it leads to is replaced.
   * @throws PrivateFileError `missing` for a folder that is not there; `unavailable` if the system refuses,
   *   or if something is there that is no file.
   */
  static async create(given: string, { createdAt, ...header }: DumpHeader): Promise<DumpWriter> {
    const path = await placeOf(given);
    const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
    await createPrivateFile(temporary, new Uint8Array());
    const handle = await open(temporary, constants.O_WRONLY);
    const writer = new DumpWriter(path, temporary, handle);
    const head = Buffer.alloc(HEAD_SIZE);
    head.set(MAGIC);
    head.writeUInt32BE(VERSION, MAGIC.length);
    writer.#append(head);
    writer.#append(frameBytes({ case: "header", value: { ...header, createdAt: BigInt(createdAt) } }));
    return writer;
  }

  /** Adds a record. Resolves when there is room for more. */
  async add(principal: Principal, record: Uint8Array): Promise<void> {
    const part = { $typeName: "kerberos.storage.v1.DumpRecord" as const, principal, record };
    // As `frameBytes` makes it, in a fraction of the time.
    withEnvelope(RECORD_FIELD, DumpRecordSchema, part, (bytes) => this.#appendFramed(bytes));
    this.#records++;
    if (this.#pending >= CHUNK) await this.#flush();
  }

  /**
   * Seals the dump; when it resolves, the file is on the disk under its name, in place of one that was there.
   * @returns how many records it has.
   */
  async finish(masterKey: MasterKey): Promise<number> {
    await this.#flush();
    const seal = masterKey.authenticateDump(this.#hash.digest());
    const trailer = frameBytes({ case: "trailer", value: { records: BigInt(this.#records), seal } });
    await this.#written(() => this.#handle.writeFile(trailer));
    await this.#written(() => this.#handle.sync());
    await this.#handle.close();
    await this.#written(() => rename(this.#temporary, this.#path));
    await syncFolder(dirname(this.#path));
    return this.#records;
  }

  /** Removes what was written. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await unlink(this.#temporary).catch(() => {});
  }

  #append(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#room(bytes.length));
  }

  #appendFramed(bytes: Uint8Array): void {
    const at = this.#room(LENGTH_SIZE + bytes.length);
    this.#buffer.writeUInt32BE(bytes.length, at);
    this.#buffer.set(bytes, at + LENGTH_SIZE);
  }

  /** Makes room for so many bytes more, and returns where it begins. */
  #room(size: number): number {
    const at = this.#pending;
    this.#pending += size;
    if (this.#pending > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(2 * this.#pending);
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    return at;
  }

  async #flush(): Promise<void> {
    const pending = this.#buffer.subarray(0, this.#pending);
    this.#hash.update(pending);
    await this.#written(() => this.#handle.writeFile(pending));
    this.#pending = 0;
  }

  async #written<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const isFull = ["ENOSPC", "EDQUOT", "EFBIG"].includes((error as NodeJS.ErrnoException).code ?? "");
      const text = `${this.#path}: ${systemErrorText(error)}`;
      throw isFull
        ? new StoreError("full", text, { hint: "make room and try again", cause: error })
        : new PrivateFileError("unavailable", this.#path, text, { cause: error });
    }
  }
}
