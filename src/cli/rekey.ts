/** New keys for principals that exist, and what becomes of the old ones. */
import { withPassword, withRandomKeys } from "../protocol/new-principal.js";
import type { Principal } from "../protocol/principal.js";
import { currentKvno, type PrincipalEntry } from "../protocol/principal-entry.js";
import type { PrincipalStore } from "../store/principal-store.js";
import { CommandError } from "./command.js";

/**
 * Gives a principal random keys of a new version. Old versions stay as long as a ticket under them may live: the one
 * replaced now, and those before it unless it stood for longer than any ticket.
 */
export function rekeyAtRandom(
  principals: PrincipalStore,
  principal: Principal,
  etypes: readonly number[],
  longestTicket: number,
  now: number,
): Promise<PrincipalEntry> {
  return principals.change(principal, (entry) => {
    const versions = currentKvno(entry);
    const keep = now - entry.keysChangedAt < longestTicket ? versions : 1;
    return { ...withRandomKeys(entry, etypes, now, keep), passwordExpiresAt: undefined };
  });
}

/** Gives a principal keys from a new password; no old key stays. */
export async function rekeyFromPassword(
  principals: PrincipalStore,
  entry: PrincipalEntry,
  password: string,
  etypes: readonly number[],
  now: number,
  iterations: number | undefined,
): Promise<PrincipalEntry> {
  const { keys, stringToKey } = await withPassword(entry, password, etypes, now, iterations);
  return principals.change(entry.principal, (latest) => {
    if (currentKvno(latest) !== currentKvno(entry))
      throw new CommandError(`${entry.principal} got other keys meanwhile; nothing was changed`, "try again");
    return {
      ...latest,
      keys,
      stringToKey,
      passwordKeyed: true,
      passwordExpiresAt: undefined,
      modifiedAt: now,
      keysChangedAt: now,
    };
  });
}
