/**
 * What KDCs advised, remembered for the next login: which encryption type, salt and parameters make a
 * principal's key from its password (RFC 4120 §5.2.7.5). A small JSON file, best beside the credential cache.
 *
 * Invariants. Only what led to a login is kept, for then the KDC has proved that it knows that key: advice by
 * itself is anybody's. It is a first guess and no more: whoever reads it back takes it within its own limits
 * alone. The file is worth nothing to lose and is in nobody's way: one that can't be read or written, or that
 * is not of this format and version, is left as it is, and the login goes on as if there were none.
 */
import { filePathOf } from "../files/file-name.js";
import { readPrivateFile, writeFileAtomically } from "../files/private-file.js";
import { PrivateFileError } from "../files/private-file-error.js";
import type { Principal } from "../protocol/principal.js";
import type { KeyGuess } from "./client-etypes.js";

/** Remembers how principals' keys are made. Its functions never reject. */
export interface AdviceMemory {
  /** What the last login of a principal was made with; undefined: nothing is known. */
  recall(client: Principal): Promise<KeyGuess | undefined>;
  /** Keeps what a login was made with, in place of what was known of the principal. */
  remember(client: Principal, guess: KeyGuess): Promise<void>;
}

const VERSION = 1;
/** The principals remembered; whoever logged in longest ago is forgotten first. */
const MAX_ENTRIES = 100;
/** In bytes. More than that many entries need; nothing longer is read. */
const MAX_SIZE = 256 * 1024;
/** Longer salts and parameters, in characters and bytes, are not remembered. */
const MAX_SALT = 1024;
const MAX_PARAMS = 64;

/** How one principal's key is made, as the file has it. */
interface Entry {
  readonly etype: number;
  readonly salt: string;
  /** The encryption type's parameters, in hexadecimal. */
  readonly params: string;
}

type Entries = Readonly<Record<string, Entry>>;

/**
 * A memory in a file that only its owner can read.
 * @param name its path; `FILE:` may stand before it.
 * @throws RangeError for a name of another type.
 */
export function adviceFile(name: string): AdviceMemory {
  const path = filePathOf(name, "advice file");
  return {
    recall: async (client) => {
      const entry = (await load(path))?.[client];
      if (entry === undefined) return undefined;
      const { etype, salt, params } = entry;
      return { etype, stringToKey: { salt, params: Buffer.from(params, "hex") } };
    },
    remember: async (client, { etype, stringToKey: { salt, params } }) => {
      if (salt.length > MAX_SALT || params.length > MAX_PARAMS) return;
      const entries = await load(path);
      if (entries === undefined) return;
      const entry = { etype, salt, params: Buffer.from(params).toString("hex") };
      if (JSON.stringify(entries[client]) === JSON.stringify(entry)) return;
      const { [client]: _, ...others } = entries;
      const kept = [...Object.entries(others).slice(1 - MAX_ENTRIES), [client, entry] as const];
      await save(path, Object.fromEntries(kept));
    },
  };
}

/** The entries, the oldest first; undefined: the file is not ours to change. */
async function load(path: string): Promise<Entries | undefined> {
  try {
    const file: unknown = JSON.parse(Buffer.from(await readPrivateFile(path, MAX_SIZE)).toString());
    return isAdvice(file) ? file.principals : undefined;
  } catch (error) {
    return error instanceof PrivateFileError && error.code === "missing" ? {} : undefined;
  }
}

async function save(path: string, principals: Entries): Promise<void> {
  const text = `${JSON.stringify({ version: VERSION, principals }, undefined, 2)}\n`;
  // The login is what was asked for; a folder that takes no file costs the next one a round trip.
  await writeFileAtomically(path, Buffer.from(text)).catch(() => {});
}

function isAdvice(file: unknown): file is { readonly principals: Entries } {
  if (!isRecord(file) || file.version !== VERSION || !isRecord(file.principals)) return false;
  return Object.values(file.principals).every(isEntry);
}

function isEntry(value: unknown): value is Entry {
  if (!isRecord(value)) return false;
  const { etype, salt, params } = value;
  return (
    Number.isInteger(etype) &&
    typeof salt === "string" &&
    typeof params === "string" &&
    /^(?:[0-9a-f]{2})*$/.test(params)
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
