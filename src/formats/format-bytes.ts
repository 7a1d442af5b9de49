/**
 * Reading and writing MIT Kerberos' big-endian file formats. Every length is checked against the bytes that
 * are left.
 */

import { componentsOf, type Principal, parsePrincipal } from "../protocol/principal.js";
import { FormatError } from "./format-error.js";

/** The latest time of these formats, in seconds since the epoch: 32 bits without sign, up to 2106. */
const MAX_SECONDS = 0xffff_ffff;

/** Told of each value as it is read: its name, where it lies and how long it is, in bytes. */
export type OnRead = (name: string, at: number, length: number) => void;

/**
 * Reads a part of some bytes from beginning to end; everything it returns is a copy. Each value has a name,
 * for whoever shows the file byte by byte.
 */
export class FormatReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  readonly #onRead: OnRead;
  offset: number;

  constructor(bytes: Uint8Array, onRead: OnRead = () => {}, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#onRead = onRead;
    this.offset = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.offset;
  }

  uint8(name: string): number {
    return this.#view.getUint8(this.#advance(1, name));
  }

  uint16(name: string): number {
    return this.#view.getUint16(this.#advance(2, name));
  }

  int16(name: string): number {
    return this.#view.getInt16(this.#advance(2, name));
  }

  uint32(name: string): number {
    return this.#view.getUint32(this.#advance(4, name));
  }

  int32(name: string): number {
    return this.#view.getInt32(this.#advance(4, name));
  }

  bytes(length: number, name: string): Uint8Array {
    const start = this.#advance(length, name);
    // A Buffer's own slice would be a view.
    return new Uint8Array(this.#bytes.subarray(start, start + length));
  }

  /** One character for each byte; no grammar here goes beyond ASCII. */
  text(length: number, name: string): string {
    return Buffer.from(this.bytes(length, name)).toString("latin1");
  }

  /** Passes over a value. */
  skip(length: number, name: string): void {
    this.#advance(length, name);
  }

  /** A reader of the next `length` bytes, which this one skips. */
  part(length: number): FormatReader {
    const start = this.#advance(length);
    return new FormatReader(this.#bytes, this.#onRead, start, start + length);
  }

  fail(text: string): FormatError {
    return new FormatError(this.offset, text);
  }

  #advance(length: number, name?: string): number {
    if (length > this.remaining)
      throw new FormatError(this.offset, `cut short: expected ${length} more bytes, got ${this.remaining}`);
    const start = this.offset;
    this.offset += length;
    if (name !== undefined) this.#onRead(name, start, length);
    return start;
  }
}

/** Collects bytes. */
export class FormatWriter {
  readonly #parts: Uint8Array[] = [];
  readonly #secrets: Uint8Array[] = [];

  uint8(value: number): this {
    return this.bytes(Uint8Array.of(value));
  }

  uint16(value: number): this {
    const part = new Uint8Array(2);
    new DataView(part.buffer).setUint16(0, value);
    return this.bytes(part);
  }

  uint32(value: number): this {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value);
    return this.bytes(part);
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(part);
    return this;
  }

  /** Takes over bytes that hold a key, and overwrites them once they are copied. */
  secret(part: Uint8Array): this {
    this.#secrets.push(part);
    return this.bytes(part);
  }

  finish(): Uint8Array {
    const total = this.#parts.reduce((sum, part) => sum + part.length, 0);
    const joined = new Uint8Array(total);
    let offset = 0;
    for (const part of this.#parts) {
      joined.set(part, offset);
      offset += part.length;
    }
    for (const secret of this.#secrets) secret.fill(0);
    return joined;
  }
}

/** A name as these files have it; it may be outside our grammar. */
export interface FileName {
  readonly realm: string;
  readonly components: readonly string[];
}

/** The principal of a name, or undefined if it is outside our grammar. */
export function principalOfName({ realm, components }: FileName): Principal | undefined {
  try {
    const principal = parsePrincipal(`${components.join("/")}@${realm}`, "name");
    return componentsOf(principal).length === components.length ? principal : undefined;
  } catch {
    return undefined;
  }
}

/** A name to be shown in a message. */
export function shownName({ realm, components }: FileName): string {
  return `${components.join("/")}@${realm}`.replace(/[^\x20-\x7e]/g, "?").slice(0, 300);
}

/**
 * The type of a name (RFC 4120 §6.2), which readers ignore: a service with an instance (2) for a TGS, a
 * principal (1) for all others.
 */
export function nameType(components: readonly string[]): number {
  return components[0] === "krbtgt" ? 2 : 1;
}

/**
 * A time in milliseconds as whole seconds; the fraction is dropped.
 * @throws RangeError for a time before 1970 or after 2106.
 */
export function toSeconds(milliseconds: number, name: string): number {
  const seconds = Math.floor(milliseconds / 1000);
  if (!(seconds >= 0 && seconds <= MAX_SECONDS))
    throw new RangeError(`${name}: expected a time from 1970 to 2106 in ms, got ${milliseconds}`);
  return seconds;
}
