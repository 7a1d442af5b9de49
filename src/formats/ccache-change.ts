/**
 * How a credential cache is changed in place, as MIT's library does it: new credentials are appended, old
 * ones are marked as removed. Notes, other people's tickets and whatever else is not understood here stay as
 * they are.
 */
import type { Credentials } from "../protocol/credentials.js";
import { formatKdcOffset, type ParsedCredentialCache } from "./ccache.js";
import { formatCredentials, removedTimes } from "./ccache-credential.js";
import type { FileWrite } from "./file-write.js";

/** What a cache is to hold of ours. */
export interface WantedCache {
  readonly kdcOffset: number;
  readonly credentials: readonly Credentials[];
}

/** A change to a cache. What is new must be on the disk before what is old is marked. */
export interface CacheChange {
  /** Where the cache ends; a credential that nobody finished may begin there. */
  readonly end: number;
  /** What is written at `end`; nothing if nothing is new. */
  readonly additions: readonly FileWrite[];
  readonly marks: readonly FileWrite[];
}

/**
 * Plans a change to the credentials of a cache. A credential stays if its very object is in both lists.
 * The bytes of `additions` hold session keys, and belong to the caller.
 * @param before our credentials in the file, as it was parsed.
 * @throws RangeError for a time outside 1970 to 2106, or a clock offset beyond 68 years.
 */
export function planCacheChange(
  parsed: ParsedCredentialCache,
  before: WantedCache,
  after: WantedCache,
): CacheChange {
  const added = after.credentials.filter((one) => !before.credentials.includes(one));
  const removed = new Set(before.credentials.filter((one) => !after.credentials.includes(one)));
  const marks: FileWrite[] = parsed.entries.flatMap(({ held, timesOffset }) =>
    "key" in held && removed.has(held) ? [{ offset: timesOffset, bytes: removedTimes(held) }] : [],
  );
  // MIT's caches may have no room for the offset; it is measured again at the next login.
  if (after.kdcOffset !== before.kdcOffset && parsed.kdcOffsetAt !== undefined)
    marks.push({ offset: parsed.kdcOffsetAt, bytes: formatKdcOffset(after.kdcOffset) });
  const parts = added.map(formatCredentials);
  const bytes = Buffer.concat(parts);
  for (const part of parts) part.fill(0);
  return { end: parsed.end, additions: added.length > 0 ? [{ offset: parsed.end, bytes }] : [], marks };
}
