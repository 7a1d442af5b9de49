/**
 * What to write where to change a credential cache in place, as MIT's library does: a credential is appended, one that is
 * removed is marked. Notes, other people's tickets and whatever else is not understood here stay as they are.
 */
import type { Credentials } from "../protocol/credentials.js";
import { formatKdcOffset, type ParsedCredentialCache } from "./ccache.js";
import { formatCredentials, removedTimes } from "./ccache-credential.js";
import type { FileWrite } from "./file-write.js";

/** What a cache should hold, as far as it is ours. */
export interface WantedCache {
  readonly kdcOffset: number;
  readonly credentials: readonly Credentials[];
}

/** A change of a cache: what is new is to be on the disk before what is old is marked. */
export interface CacheChange {
  /** Where the cache ends: behind it may be the beginning of a credential that nobody finished. */
  readonly end: number;
  /** At `end`; none: nothing is new. */
  readonly additions: readonly FileWrite[];
  readonly marks: readonly FileWrite[];
}

/**
 * Plans how a cache comes to hold other credentials. Which stay is told by the objects themselves.
 * The bytes of `additions` hold session keys; they belong to the caller.
 * @param before those of the parsed file that are ours.
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
  // A cache of MIT's may have no place for the offset: it is measured again at the next login.
  if (after.kdcOffset !== before.kdcOffset && parsed.kdcOffsetAt !== undefined)
    marks.push({ offset: parsed.kdcOffsetAt, bytes: formatKdcOffset(after.kdcOffset) });
  const parts = added.map(formatCredentials);
  const bytes = Buffer.concat(parts);
  for (const part of parts) part.fill(0);
  return { end: parsed.end, additions: added.length > 0 ? [{ offset: parsed.end, bytes }] : [], marks };
}
