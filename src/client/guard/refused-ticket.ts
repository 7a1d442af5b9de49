/**
 * Which refusals of a call a new ticket mends: the service can't use the one it got, and the KDC would now
 * make another.
 *
 * Error statuses are not authenticated: whoever is on the way can make one. So nothing more follows from it
 * than that the ticket is forgotten, which costs one exchange with the TGS; no call is repeated, and the
 * login stays.
 */
import { KrbError, type KrbErrorName } from "../../protocol/krb-error.js";

const MENDED: ReadonlySet<KrbErrorName> = new Set<KrbErrorName>([
  // The service's key was changed, or its keytab holds other keys than the KDC.
  "KRB_AP_ERR_BADKEYVER",
  "KRB_AP_ERR_NOKEY",
  // The realm or the service moved on to other encryption types.
  "KDC_ERR_ETYPE_NOSUPP",
  "KRB_AP_ERR_TKT_EXPIRED",
]);

/** Whether a call failed with a refusal that a new ticket mends. */
export function isMendedByTicket(error: unknown): boolean {
  if (!(error instanceof KrbError)) return false;
  // A principal that was made anew counts its key versions from 1 again: the seal is all that tells.
  const otherKey = error.reason === "KRB_AP_ERR_BAD_INTEGRITY" && error.details.part === "ticket";
  return otherKey || MENDED.has(error.reason);
}
