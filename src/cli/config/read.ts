/** Reads `tessera.toml`, holds it to the table of keys, and says of each fault where it stands. */
import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { nearest } from "../../errors/nearest.js";
import { readPublicFile } from "../../files/public-file.js";
import { systemErrorText } from "../../files/system-error.js";
import { isRealm } from "../../protocol/principal.js";
import { CommandError } from "../frame/command.js";
import type { Configuration } from "./configuration.js";
import { checkTexts, formOf } from "./forms.js";
import { CONFIG_KEYS, type ConfigKey, REALMS, SECTIONS } from "./keys.js";
import { type Position, positionOf } from "./positions.js";

/** What is wrong with a file, and where. */
export interface Fault extends Position {
  readonly text: string;
}

/** A value of a file. */
export interface Entry extends Position {
  readonly key: ConfigKey;
  /** Whose it is, for keys of a realm. */
  readonly realm: string | undefined;
  /** As the variable would have it; several, where it is a list. Paths are absolute. */
  readonly texts: readonly string[];
}

/** A file that was read. */
export interface ReadFile {
  readonly path: string;
  readonly entries: readonly Entry[];
  /** In the order in which they stand in the file. */
  readonly faults: readonly Fault[];
}

/** The most that a configuration may be, in bytes. */
const MAX_BYTES = 256 * 1024;

/**
 * Reads a file.
 * @throws CommandError where it can't be read, or where others than its owner, or root, may change it.
 */
export async function readFile(path: string): Promise<ReadFile> {
  checkOwner(path);
  const bytes = await readPublicFile(path, MAX_BYTES).catch((error: unknown) => {
    throw new CommandError(
      `${path}: ${systemErrorText(error)}`,
      "TESSERA_CONFIG names the file; empty: none",
    );
  });
  return readText(Buffer.from(bytes).toString("utf8"), path);
}

/** Reads the text of a file at a path. */
export function readText(text: string, path: string): ReadFile {
  let document: Readonly<Record<string, unknown>>;
  try {
    document = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column, message } = error;
    const what = message.split("\n")[0]!.replace(/^Invalid TOML document: /, "");
    return { path, entries: [], faults: [{ line, column, text: `no TOML: ${what}` }] };
  }
  const reader = new Reader(text, path);
  reader.readDocument(document);
  const faults = reader.faults.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { path, entries: reader.entries, faults };
}

/** The configuration in a file. Throws CommandError for a fault, with its place. */
export function faultless({ path, entries, faults }: ReadFile): Configuration {
  const [first, ...more] = faults;
  if (first !== undefined) {
    const others = more.length === 0 ? "" : `; ${more.length} more: tessera config check`;
    throw new CommandError(
      `${path}:${first.line}:${first.column}: ${first.text}`,
      `correct it${others}; TESSERA_CONFIG= does without it`,
      "configuration",
    );
  }
  const variables: Record<string, string> = {};
  const realms = new Map<string, Record<string, readonly string[]>>();
  for (const { key, realm, texts } of entries) {
    if (realm === undefined) variables[key.variable] = texts.join(" ");
    else realms.set(realm, { ...realms.get(realm), [key.name]: texts });
  }
  return { path, variables, realms };
}

class Reader {
  readonly entries: Entry[] = [];
  readonly faults: Fault[] = [];
  readonly #text: string;
  readonly #folder: string;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#folder = dirname(resolve(path));
  }

  readDocument(document: Readonly<Record<string, unknown>>): void {
    for (const [section, table] of Object.entries(document)) {
      if (!SECTIONS.includes(section)) {
        const near = nearest(section, SECTIONS);
        const remedy = near === undefined ? `there are ${SECTIONS.join(", ")}` : `did you mean ${near}?`;
        this.#fault([section], `no section ${JSON.stringify(section)}; ${remedy}`);
      } else if (!isTable(table)) this.#fault([section], `${section}: expected a table, [${section}]`);
      else if (section === REALMS) this.#readRealms(table);
      else this.#readTable(section, table, [section], undefined);
    }
  }

  #readRealms(table: Readonly<Record<string, unknown>>): void {
    for (const [realm, values] of Object.entries(table)) {
      const path = [REALMS, realm];
      if (!isTable(values)) this.#fault(path, `expected a table for each realm, [realms."EXAMPLE.TEST"]`);
      else if (!isRealm(realm)) this.#fault(path, `${JSON.stringify(realm)} is no name of a realm`);
      else {
        this.#readTable(REALMS, values, path, realm);
        if (values.kdc !== undefined && values.dns === true)
          this.#fault([...path, "dns"], "dns: the KDCs are named by kdc, so that DNS is not asked");
        for (const name of ["cert", "key"])
          if (values[name] !== undefined && values.ca === undefined)
            this.#fault([...path, name], `${name}: goes with ca`);
      }
    }
  }

  #readTable(
    section: string,
    table: Readonly<Record<string, unknown>>,
    path: readonly string[],
    realm: string | undefined,
  ): void {
    const keys = CONFIG_KEYS.filter((key) => key.section === section);
    for (const [name, value] of Object.entries(table)) {
      const key = keys.find((candidate) => candidate.name === name);
      if (key === undefined) this.#fault([...path, name], unknownKey(section, name, keys));
      else this.#readValue(key, value, [...path, name], realm);
    }
  }

  #readValue(key: ConfigKey, value: unknown, path: readonly string[], realm: string | undefined): void {
    try {
      const texts = textsOf(key, value);
      if (key.value !== undefined) checkTexts(texts, key.value, key.name);
      const found = texts.map((text) => this.#placed(key, text));
      this.entries.push({ key, realm, texts: found, ...this.#position(path) });
    } catch (error) {
      this.#fault(path, (error as Error).message);
    }
  }

  /** A path is taken from the folder of the file. */
  #placed({ value = "" }: ConfigKey, text: string): string {
    if (!formOf(value).isPath) return text;
    const [, type, path] = /^(lmdb:|FILE:)(.+)$/.exec(text) ?? [];
    if (type !== undefined) return `${type}${resolve(this.#folder, path!)}`;
    return value === "STORE" ? text : resolve(this.#folder, text);
  }

  #position(path: readonly string[]): Position {
    return positionOf(this.#text, path, parse);
  }

  #fault(path: readonly string[], text: string): void {
    this.faults.push({ ...this.#position(path), text });
  }
}

function unknownKey(section: string, name: string, keys: readonly ConfigKey[]): string {
  const elsewhere = CONFIG_KEYS.find(({ flag }) => flag === `--${name}`);
  const near =
    nearest(
      name,
      keys.map((key) => key.name),
    ) ??
    (elsewhere && `${elsewhere.section}.${elsewhere.name}`);
  const remedy =
    near === undefined ? `it has ${keys.map((key) => key.name).join(", ")}` : `did you mean ${near}?`;
  return `no key ${JSON.stringify(name)} in ${section}; ${remedy}`;
}

/** A value as texts. Throws RangeError for one of another type than its key has. */
function textsOf({ name, value: word, isList }: ConfigKey, value: unknown): readonly string[] {
  if (word === undefined) {
    if (typeof value === "boolean") return [String(value)];
    throw new RangeError(`${name}: expected true or false, got ${typeName(value)}`);
  }
  const isText = (one: unknown) =>
    (typeof one === "string" && one !== "") || (formOf(word).isNumber && Number.isInteger(one));
  const values: readonly unknown[] = isList && Array.isArray(value) ? value : [value];
  if (values.length > 0 && values.every(isText)) return values.map(String);
  const wanted = formOf(word).isNumber ? "a text or a number" : "a text in quotes";
  throw new RangeError(
    `${name}: expected ${wanted} (${word})${isList ? ", or a list of them" : ""}, got ${typeName(value)}`,
  );
}

function typeName(value: unknown): string {
  if (value === "") return "an empty text";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (value instanceof Date) return "a date";
  return typeof value === "object" ? "a table" : `a ${typeof value === "string" ? "text" : typeof value}`;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Throws CommandError where somebody else may change a file: it says whom a password is proved to. */
function checkOwner(path: string): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return; // reading it says what is wrong
  const { uid, mode } = status;
  const ours = process.getuid?.();
  if (ours !== undefined && uid !== 0 && uid !== ours)
    throw new CommandError(`${path}: belongs to somebody else`, "take a copy of your own");
  if (status.isFile() && (mode & 0o022) !== 0)
    throw new CommandError(`${path}: others may change it`, `chmod go-w ${path}`);
}
