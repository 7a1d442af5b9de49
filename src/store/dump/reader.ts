/** Reads a dump (frames.ts), once it was found whole. */
import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

import { fromBinary } from "@bufbuild/protobuf";

import { systemErrorText } from "../../files/system-error.js";
import { type DumpFrame, DumpFrameSchema } from "../../gen/kerberos/storage/v1/dump_pb.js";

import type { MasterKey } from "../master-key.js";
import { StoreError } from "../store-error.js";
import {
  CHUNK,
  type DumpHeader,
  frameBytes,
  HEAD_SIZE,
  LENGTH_SIZE,
  MAGIC,
  MAX_FRAME,
  VERSION,
} from "./frames.js";

/** A dump that was found whole. */
export interface WholeDump {
  readonly header: DumpHeader;
  readonly records: number;
  /** Different for every dump: the seal in hex. */
  readonly id: string;
  /** Its length in bytes. */
  readonly size: number;
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
      const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      if ((await handle.stat()).isFile()) return new DumpReader(path, handle);
      await handle.close();
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      throw new StoreError(isMissing ? "missing" : "unavailable", `${path}: ${systemErrorText(error)}`, {
        cause: error,
      });
    }
    throw new StoreError("unavailable", `${path}: is no file; a dump is read twice`, {
      hint: "put it into a file first",
    });
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

function headerOf(header: Extract<DumpFrame["frame"], { case: "header" }>["value"]): DumpHeader {
  const { realm, settings, createdAt, masterKeyId } = header;
  return { realm, settings, createdAt: Number(createdAt), masterKeyId: Uint8Array.from(masterKeyId) };
}
