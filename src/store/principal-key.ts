/** Under which keys of a store its principals are. */
import { type Principal, parsePrincipal } from "../protocol/principal.js";

/** How the keys of all principals begin. */
export const PRINCIPAL_PREFIX = "principal:";

/** The key of a principal. */
export function principalKey(principal: string): string {
  return PRINCIPAL_PREFIX + principal;
}

/** The principal of a key. Throws KrbError for a name that is none. */
export function principalOfKey(key: string): Principal {
  return parsePrincipal(key.slice(PRINCIPAL_PREFIX.length), "stored name");
}
