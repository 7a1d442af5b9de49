/**
 * Dumps: a realm's principals in one file, as they are stored (storage/v1/dump.proto). Keys stay sealed under
 * the master key, which is not in the file.
 *
 * A dump ends with a seal over the whole of it: one that is cut short, or altered anywhere, is refused before
 * any of it is used.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { type DumpFrame, DumpFrameSchema } from "../../gen/kerberos/storage/v1/dump_pb.js";

export const MAGIC = Buffer.from("TSDM", "ascii");
export const VERSION = 1;
export const HEAD_SIZE = 8;
export const LENGTH_SIZE = 4;
/** The longest frame; a principal with a hundred keys takes some ten kilobytes. */
export const MAX_FRAME = 16 * 1024 * 1024;
/** How much is written or read at a time. */
export const CHUNK = 1024 * 1024;

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

/** What a frame is made of. */
export type FrameInit = NonNullable<Parameters<typeof create<typeof DumpFrameSchema>>[1]>["frame"];

/** A frame as it stands in the file, its length before it. */
export function frameBytes(frame: FrameInit): Uint8Array {
  const bytes = toBinary(DumpFrameSchema, create(DumpFrameSchema, { frame: frame as DumpFrame["frame"] }));
  const framed = new Uint8Array(LENGTH_SIZE + bytes.length);
  new DataView(framed.buffer).setUint32(0, bytes.length);
  framed.set(bytes, LENGTH_SIZE);
  return framed;
}
