/** Keytabs as a client uses them: the keys that a service, or a person with a keytab, logs in with. */
import { readSecret } from "../files/secret-file.js";
import { type KeytabEntry, parseKeytabFile, type SkippedKeytabEntry } from "../formats/keytab.js";
import { KeytabError } from "../formats/keytab-error.js";
import type { Key } from "../protocol/keys.js";
import { type Principal, principalInRealm, realmOf } from "../protocol/principal.js";

/** A principal and keys of its own, as `KerberosClient.loginWithKeys` takes them. */
export interface KeytabKeys {
  readonly principal: Principal;
  readonly keys: readonly Key[];
}

/**
 * Reads a keytab; its keys belong to the caller.
 * @param onSkipped told of entries that are of no use here.
 * @throws PrivateFileError as `readPrivateFile`; KeytabError for a file that is no keytab.
 */
export async function readKeytab(
  path: string,
  onSkipped?: (skipped: SkippedKeytabEntry) => void,
): Promise<KeytabEntry[]> {
  const bytes = await readSecret(path);
  try {
    return parseKeytabFile(path, bytes, onSkipped);
  } finally {
    bytes.fill(0);
  }
}

/**
 * The newest keys of a principal, one for each encryption type.
 * @param name of the principal; without a realm it is of the realm of the keytab's first entry. The first entry's
 *   principal by default.
 * @throws KeytabError where the keytab has no key of it; KrbError for a name outside the grammar; as `readKeytab`.
 */
export async function readKeytabKeys(
  path: string,
  name?: string,
  onSkipped?: (skipped: SkippedKeytabEntry) => void,
): Promise<KeytabKeys> {
  const entries = await readKeytab(path, onSkipped);
  const first = entries[0]?.principal;
  if (first === undefined) throw new KeytabError(`${path}: holds no key`);
  const principal = name === undefined ? first : principalInRealm(name, realmOf(first));
  const own = entries.filter((entry) => entry.principal === principal);
  if (own.length === 0)
    throw new KeytabError(`${path}: holds no key of ${principal}`, {
      hint: `\`tessera klist -k ${path}\` lists its keys`,
    });
  const newest = Math.max(...own.map(({ kvno }) => kvno));
  return { principal, keys: own.filter(({ kvno }) => kvno === newest).map(({ key }) => key) };
}
