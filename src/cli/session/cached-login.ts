/** The login in the credential cache, for commands that need one. */
import type { CachedLogin, CredentialCache } from "../../client/credential-cache.js";
import { CommandError } from "../frame/command.js";

/** What the cache holds. Throws CommandError if nobody is logged in. */
export async function cachedLogin(cache: CredentialCache): Promise<CachedLogin> {
  const login = await cache.load();
  if (login !== undefined) return login;
  throw new CommandError(
    `nobody is logged in: there is no ${cache.name}`,
    "run `tessera kinit`",
    "not-logged-in",
  );
}
