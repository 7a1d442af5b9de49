/** What the environment says, with the defaults where it says nothing. */
import { homedir } from "node:os";
import { join } from "node:path";
import { filePathOf } from "../../files/file-name.js";
import { CommandError } from "./command.js";
import type { Environment } from "./surroundings.js";

/** The realm's folder: `TESSERA_REALM_DIR`, or `tessera/realm` where the user's data is. */
export function realmDir(env: Environment, given?: string): string {
  const data = env.XDG_DATA_HOME || join(homedir(), ".local", "share");
  return given ?? (env.TESSERA_REALM_DIR || join(data, "tessera", "realm"));
}

/** The file of the credential cache: `TESSERA_CCACHE`, or /tmp/tesseracc_UID. Throws CommandError for other types. */
export function cachePath(env: Environment, given?: string): string {
  const name = given ?? (env.TESSERA_CCACHE || `FILE:/tmp/tesseracc_${process.getuid?.() ?? "user"}`);
  return filePath(name, "credential cache");
}

/** A keytab's file: `TESSERA_KEYTAB`, or undefined. */
export function keytabPath(env: Environment, given?: string): string | undefined {
  const name = given ?? (env.TESSERA_KEYTAB || undefined);
  return name === undefined ? undefined : filePath(name, "keytab");
}

/** The KDC: `TESSERA_KDC`, or undefined for the default. */
export function kdcText(env: Environment, given?: string): string | undefined {
  return given ?? (env.TESSERA_KDC || undefined);
}

function filePath(name: string, what: string): string {
  try {
    return filePathOf(name, what);
  } catch (error) {
    throw new CommandError((error as RangeError).message);
  }
}
