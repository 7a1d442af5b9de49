/** What the environment's variables mean, and the defaults of those that are not set. */
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { filePathOf } from "../../files/file-name.js";
import { CommandError } from "./command.js";
import type { Environment } from "./surroundings.js";

/**
 * The realm's folder: `TESSERA_REALM_DIR`, or `tessera/realm` among the user's data.
 * @param home finds the user's home where the environment does not name it; throws if there is none.
 * @throws CommandError if neither is given and the user has no home.
 */
export function realmDir(env: Environment, given?: string, home = homedir): string {
  return given ?? (env.TESSERA_REALM_DIR || join(dataFolder(env, home), "tessera", "realm"));
}

/**
 * The user's name on this machine.
 * @param user finds it; throws if there is none.
 * @throws CommandError for a user number without an entry in passwd, as containers have it.
 */
export function userName(user: () => { readonly username: string } = userInfo): string {
  try {
    return user().username;
  } catch {
    throw new CommandError("this user has no name on this machine", "name a principal: alice@EXAMPLE.TEST");
  }
}

function dataFolder(env: Environment, home: () => string): string {
  return env.XDG_DATA_HOME || join(homeFolder(env, home), ".local", "share");
}

function homeFolder(env: Environment, home: () => string): string {
  try {
    return env.HOME || home();
  } catch {
    // A user number without an entry in passwd, as containers have it.
    throw new CommandError("this user has no home folder", "give --dir DIR, or set TESSERA_REALM_DIR");
  }
}

/**
 * The file of the credential cache: `TESSERA_CCACHE`, or /tmp/tesseracc_UID. Throws CommandError for other
 * types.
 */
export function cachePath(env: Environment, given?: string): string {
  const name = given ?? (env.TESSERA_CCACHE || `FILE:/tmp/tesseracc_${process.getuid?.() ?? "user"}`);
  return filePath(name, "credential cache");
}

/** The file of the keytab: `TESSERA_KEYTAB`, or undefined. */
export function keytabPath(env: Environment, given?: string): string | undefined {
  const name = given ?? (env.TESSERA_KEYTAB || undefined);
  return name === undefined ? undefined : filePath(name, "keytab");
}

/** The KDCs, with spaces between them: `TESSERA_KDC` where none is given, or undefined for the default. */
export function kdcText(env: Environment, given: readonly string[]): string | undefined {
  return given.length > 0 ? given.join(" ") : env.TESSERA_KDC?.trim() || undefined;
}

function filePath(name: string, what: string): string {
  try {
    return filePathOf(name, what);
  } catch (error) {
    throw new CommandError((error as RangeError).message);
  }
}
