/**
 * Dumps: a realm's principals in one file, as they are stored (storage/v1/dump.proto). Keys stay sealed under
 * the master key, which is not in the file.
 *
 * A dump ends with a seal over the whole of it: one that is cut short, or altered anywhere, is refused before
 * any of it is used.
 */
import { createHash, type Hash, randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { withEnvelope } from "../canonical/encode.js";
import { createPrivateFile, syncFolder } from "../files/private-file.js";
import { PrivateFileError } from "../files/private-file-error.js";
import { systemErrorText } from "../files/system-error.js";
import { type DumpFrame, DumpFrameSchema, DumpRecordSchema } from "../gen/kerberos/storage/v1/dump_pb.js";
import type { Principal } from "../protocol/principal.js";
import type { MasterKey } from "./master-key.js";
import { StoreError } from "./store-error.js";

const MAGIC = Buffer.from("TSDM", "ascii");
const VERSION = 1;
const HEAD_SIZE = 8;
const LENGTH_SIZE = 4;
/** The longest frame; a principal with a hundred keys takes some ten kilobytes. */
const MAX_FRAME = 16 * 1024 * 1024;
/** How much is written or read at a time. */
const CHUNK = 1024 * 1024;

/** What a dump is of. */
export interface DumpHeader {
  readonly realm: string;
  /** The realm's settings, as realm.json has them. */
  readonly settings: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Tells the master key that seals it: 8 bytes. */
  readonly masterKeyId: Uint8Array;
}

/** A dump that was found whole. */
export interface WholeDump {
  readonly header: DumpHeader;
  readonly records: number;
  /** Different for every dump: the seal in hex. */
  readonly id: string;
  /** Its length in bytes. */
  readonly size: number;
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
   * Begins a dump; mode 0600.
   * @throws PrivateFileError `missing` for a folder that is not there; `unavailable` if the system refuses.
   */
  static async create(path: string, { createdAt, ...header }: DumpHeader): Promise<DumpWriter> {
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

/** A dump that is open for reading. */
export class DumpReader implements AsyncDisposable {
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @throws StoreError `missing` for a file that is not there; `unavailable` for one that can't be read. */
  static async open(path: string): Promise<DumpReader> {
    try {
      return new DumpReader(path, await open(path, constants.O_RDONLY));
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      throw new StoreError(isMissing ? "missing" : "unavailable", `${path}: ${systemErrorText(error)}`, {
        cause: error,
      });
    }
  }

  /**
   * Reads the first frame alone.
   * @throws StoreError `corrupt` for a file that is no dump; `version` for one of a newer release.
   */
  async header(): Promise<DumpHeader> {
    for await (const { frame } of this.#frames(createHash("sha256"), () => {}))
      if (frame.case === "header") return headerOf(frame.value);
    throw this.#cutShort();
  }

  /**
   * Reads the dump to its end.
   * @param masterKeys of the realm; the seal must be one of theirs.
   * @param onBytes told how many bytes were read so far, of how many.
   * @throws StoreError `wrong-key` if another master key sealed it; `corrupt` if it was cut short or altered;
   *   and as `header`.
   */
  async check(
    masterKeys: readonly MasterKey[],
    onBytes: (read: number, size: number) => void = () => {},
  ): Promise<WholeDump> {
    const { size } = await this.#handle.stat();
    const hash = createHash("sha256");
    let header: DumpHeader | undefined;
    let records = 0;
    for await (const { frame, before } of this.#frames(hash, (read) => onBytes(read, size))) {
      if (frame.case === "header") header = headerOf(frame.value);
      else if (frame.case === "record") records++;
      else if (frame.case === "trailer" && header !== undefined) {
        const { masterKeyId } = header;
        const masterKey = masterKeys.find(({ id }) => Buffer.compare(id, masterKeyId) === 0);
        if (masterKey === undefined)
          throw new StoreError("wrong-key", `${this.path}: made under another master key`, {
            hint: "use the master.key that the realm had when the dump was made",
          });
        const seal = masterKey.authenticateDump(before);
        if (Buffer.compare(seal, frame.value.seal) !== 0 || frame.value.records !== BigInt(records))
          throw this.#altered();
        return { header, records, id: Buffer.from(seal).toString("hex"), size };
      }
    }
    throw this.#cutShort();
  }

  /** The records of a dump that `check` found whole. */
  async *records(onBytes: (read: number) => void = () => {}): AsyncGenerator<[string, Uint8Array]> {
    for await (const { frame } of this.#frames(createHash("sha256"), onBytes))
      if (frame.case === "record") yield [frame.value.principal, frame.value.record];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  /**
   * The frames in their order: a header, records, a trailer and nothing after it.
   * @param hash takes what is read.
   */
  async *#frames(hash: Hash, onBytes: (read: number) => void): AsyncGenerator<ReadFrame> {
    let position = 0;
    let left: Buffer = Buffer.alloc(0);
    const ensure = async (size: number): Promise<boolean> => {
      while (left.length < size) {
        const piece = Buffer.allocUnsafe(Math.max(CHUNK, size - left.length));
        const { bytesRead } = await this.#handle.read(piece, 0, piece.length, position + left.length);
        if (bytesRead === 0) return false;
        left = Buffer.concat([left, piece.subarray(0, bytesRead)]);
        onBytes(position + left.length);
      }
      return true;
    };
    const take = (size: number): Buffer => {
      const taken = left.subarray(0, size);
      left = left.subarray(size);
      position += size;
      return taken;
    };
    if (!(await ensure(HEAD_SIZE))) throw this.#noDump();
    const head = take(HEAD_SIZE);
    if (!MAGIC.equals(head.subarray(0, MAGIC.length))) throw this.#noDump();
    const version = head.readUInt32BE(MAGIC.length);
    if (version > VERSION)
      throw new StoreError(
        "version",
        `${this.path}: a dump of a newer release (version ${version}); use that release`,
      );
    hash.update(head);
    for (let count = 0; ; count++) {
      if (!(await ensure(LENGTH_SIZE))) throw this.#cutShort();
      const length = left.readUInt32BE(0);
      if (length > MAX_FRAME) throw this.#altered();
      if (!(await ensure(LENGTH_SIZE + length))) throw this.#cutShort();
      const bytes = take(LENGTH_SIZE + length);
      const { frame } = this.#parse(bytes.subarray(LENGTH_SIZE));
      if ((frame.case === "header") !== (count === 0) || frame.case === undefined) throw this.#altered();
      if (frame.case === "trailer") {
        // The seal does not cover the trailer itself: no other form of it is taken than that which is
        // written.
        if (Buffer.compare(frameBytes(frame), bytes) !== 0 || (await ensure(1))) throw this.#altered();
        yield { frame, before: hash.digest() };
        return;
      }
      hash.update(bytes);
      yield { frame, before: NOTHING };
    }
  }

  #parse(bytes: Uint8Array): DumpFrame {
    try {
      return fromBinary(DumpFrameSchema, bytes, { readUnknownFields: false });
    } catch {
      throw this.#altered();
    }
  }

  #noDump(): StoreError {
    return new StoreError("corrupt", `${this.path}: not a dump of a realm`, {
      hint: "make one: tessera realm dump",
    });
  }

  #cutShort(): StoreError {
    return new StoreError("corrupt", `${this.path}: cut short`, { hint: "use another copy of the dump" });
  }

  #altered(): StoreError {
    return new StoreError("corrupt", `${this.path}: altered or damaged`, {
      hint: "use another copy of the dump",
    });
  }
}

interface ReadFrame {
  readonly frame: DumpFrame["frame"];
  /** The digest of everything before a trailer. */
  readonly before: Uint8Array;
}

const NOTHING = new Uint8Array();
/** The number of a record's field in a frame. */
const RECORD_FIELD = DumpFrameSchema.field.record.number;

type FrameInit = NonNullable<Parameters<typeof create<typeof DumpFrameSchema>>[1]>["frame"];

function frameBytes(frame: FrameInit): Uint8Array {
  const bytes = toBinary(DumpFrameSchema, create(DumpFrameSchema, { frame: frame as DumpFrame["frame"] }));
  const framed = new Uint8Array(LENGTH_SIZE + bytes.length);
  new DataView(framed.buffer).setUint32(0, bytes.length);
  framed.set(bytes, LENGTH_SIZE);
  return framed;
}

function headerOf(header: Extract<DumpFrame["frame"], { case: "header" }>["value"]): DumpHeader {
  const { realm, settings, createdAt, masterKeyId } = header;
  return { realm, settings, createdAt: Number(createdAt), masterKeyId: Uint8Array.from(masterKeyId) };
}
