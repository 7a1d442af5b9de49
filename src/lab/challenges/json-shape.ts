/**
 * Reads JSON that somebody may have edited: what is not as it should be is named by its path, and nothing is
 * taken over that was not asked for.
 */
import type { Verifier } from "./flag.js";

/** Something in a document that is not as it should be; the text names the place. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** A value in a document, and where it stands. */
export class Place {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path = "") {
    this.#value = value;
    this.#path = path;
  }

  /** A field; one that is absent is a place too. */
  at(name: string): Place {
    const record = this.#record();
    const value = Object.hasOwn(record, name) ? record[name] : undefined;
    return new Place(value, this.#path === "" ? name : `${this.#path}.${name}`);
  }

  get isAbsent(): boolean {
    return this.#value === undefined;
  }

  /** The names of the fields. */
  names(): string[] {
    return Object.keys(this.#record());
  }

  text(form: RegExp, what: string): string {
    if (typeof this.#value !== "string" || !form.test(this.#value)) throw this.#wrong(what);
    return this.#value;
  }

  /** A whole number from 0 to a million. */
  count(): number {
    const value = this.#value as number;
    if (!Number.isSafeInteger(value) || value < 0 || value > 1_000_000) throw this.#wrong("a count");
    return value;
  }

  /** Refuses any value but this one. */
  is(expected: string | number): void {
    if (this.#value !== expected) throw this.#wrong(JSON.stringify(expected));
  }

  #record(): Record<string, unknown> {
    const value = this.#value;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.#wrong("an object");
    return value as Record<string, unknown>;
  }

  #wrong(what: string): ShapeError {
    return new ShapeError(`${this.#path === "" ? "the document" : this.#path}: expected ${what}`);
  }
}

/**
 * Reads a document.
 * @throws ShapeError for bytes that are not JSON, and what `read` throws.
 */
export function readJson<T>(bytes: Uint8Array, read: (document: Place) => T): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new ShapeError("the document: expected JSON");
  }
  return read(new Place(value));
}

const HEX = /^(?:[0-9a-f]{2})+$/;

/** Reads what a flag is compared with. */
export function readVerifier(place: Place): Verifier {
  return { salt: place.at("salt").text(HEX, "hex"), hash: place.at("hash").text(HEX, "hex") };
}

/** Names of classes and students. */
export const OWNER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;
/** The tag in an owner's flags. */
export const TAG = /^[0-9a-hjkmnp-tv-z]{4}$/;
/** Bytes in base64. */
export const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** A time, as `Date.toISOString` writes it. */
export const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
