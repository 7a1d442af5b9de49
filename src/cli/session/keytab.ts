/** Keytabs as the commands use them: read and listed, with a notice of every entry that is passed over. */
import * as client from "../../client/keytab.js";
import { type KeytabEntry, type SkippedKeytabEntry, skippedText } from "../../formats/keytab.js";
import { DEFAULT_REALM } from "../../realm/realm-settings.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import type { Screen } from "../screen/screen.js";

/** Reads a keytab. Throws PrivateFileError, and KeytabError for a file that is not a keytab. */
export function readKeytab(path: string, screen: Screen): Promise<KeytabEntry[]> {
  return client.readKeytab(path, noticeSkipped(path, screen));
}

/** Gives notice of an entry that can't be used. */
export function noticeSkipped(path: string, screen: Screen): (skipped: SkippedKeytabEntry) => void {
  return (skipped) => screen.notice(`${path}: passed over ${skippedText(skipped)}`);
}

/**
 * The newest keys of a principal, one for each encryption type.
 * @param name as typed, without a realm of the keytab's own; undefined: the keytab's first principal.
 * @throws UsageError for a name that is not a principal; otherwise as `readKeytabKeys`.
 */
export async function keysFor(
  path: string,
  name: string | undefined,
  screen: Screen,
): Promise<client.KeytabKeys> {
  // Whether it is a name at all does not depend on the realm.
  if (name !== undefined) parsePrincipalArgument(name, DEFAULT_REALM, "principal");
  return client.readKeytabKeys(path, name, noticeSkipped(path, screen));
}
