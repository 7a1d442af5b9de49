/** Keytabs as a client uses them: the keys that a service, or a person with a keytab, logs in with. */
import { filePathOf } from "../files/file-name.js";
import { readSecret } from "../files/secret-file.js";
import {
  type KeytabEntry,
  parseKeytabFile,
  type SkippedKeytabEntry,
  skippedText,
} from "../formats/keytab.js";
import { KeytabError } from "../formats/keytab-error.js";
import { type KeytabVersion, keyVersions } from "../formats/keytab-versions.js";
import { flawOf, type Key } from "../protocol/keys.js";
import { type Principal, principalInRealm, realmOf } from "../protocol/principal.js";

/** A principal and keys of its own, as `KerberosClient.loginWithKeytab` takes them. */
export interface KeytabKeys {
  readonly principal: Principal;
  /** The newest version, one for each encryption type. */
  readonly keys: readonly Key[];
  /** The version before; none: there is only one. */
  readonly before: readonly Key[];
}

/**
 * Reads a keytab; its keys belong to the caller.
 * @param name its path, or `FILE:` and its path.
 * @param onSkipped told of entries that are of no use here.
 * @throws PrivateFileError as `readSecret`; KeytabError for a file that is not a keytab; RangeError for a
 *   name of another type.
 */
export async function readKeytab(
  name: string,
  onSkipped?: (skipped: SkippedKeytabEntry) => void,
): Promise<KeytabEntry[]> {
  const path = filePathOf(name, "keytab");
  const bytes = await readSecret(path);
  try {
    return parseKeytabFile(path, bytes, onSkipped);
  } finally {
    bytes.fill(0);
  }
}

/**
 * The newest keys of a principal, and the version before.
 * @param path of the keytab; `FILE:` may stand before it.
 * @param name of the principal; without a realm it is of the realm of the keytab's first entry. The first
 *   entry's principal by default.
 * @throws KeytabError where the keytab has no key of it or one that can't be used; KrbError for a name
 *   outside the grammar; as `readKeytab`.
 */
export async function readKeytabKeys(
  path: string,
  name?: string,
  onSkipped: (skipped: SkippedKeytabEntry) => void = () => {},
): Promise<KeytabKeys> {
  const skipped: SkippedKeytabEntry[] = [];
  const entries = await readKeytab(path, (entry) => {
    skipped.push(entry);
    onSkipped(entry);
  });
  const first = entries[0]?.principal;
  if (first === undefined) throw new KeytabError(`${path}: holds no key`);
  const principal = name === undefined ? first : principalInRealm(name, realmOf(first));
  const spoilt = skipped.find((entry) => entry.reason === "malformed" && entry.principal === principal);
  if (spoilt !== undefined)
    throw new KeytabError(`${path}: ${skippedText(spoilt)}`, { hint: ktadd(path, principal) });
  const [newest, before] = keyVersions(entries, principal);
  if (newest === undefined)
    throw new KeytabError(`${path}: holds no key of ${principal}`, {
      hint: `\`tessera klist -k ${path}\` lists its keys`,
    });
  for (const { key } of newest.entries) {
    const flaw = flawOf(key);
    if (flaw !== undefined)
      throw new KeytabError(`${path}: ${principal}, kvno ${newest.kvno}, ${key.etype.name}: ${flaw}`, {
        hint: ktadd(path, principal),
      });
  }
  const keysOf = (version: KeytabVersion | undefined) => version?.entries.map(({ key }) => key) ?? [];
  return { principal, keys: keysOf(newest), before: keysOf(before) };
}

function ktadd(path: string, principal: Principal): string {
  return `make another: tessera kadmin ktadd -k ${path} ${principal}`;
}
