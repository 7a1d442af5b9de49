/**
 * Where the configuration is. Never in the current folder: that may be anybody's, and whoever writes the file
 * says which KDC is given a proof of the password.
 */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../frame/surroundings.js";

/** The machine's configuration. */
const OF_MACHINE = "/etc/tessera/tessera.toml";

/**
 * The first of: the file in `TESSERA_CONFIG`, whether or not it is there; the user's; the machine's.
 * Undefined: there is none, or `TESSERA_CONFIG` is empty.
 * @param home finds the user's home where the environment does not name it; throws if there is none.
 */
export function configurationFile(env: Environment, home = homedir): string | undefined {
  const named = env.TESSERA_CONFIG;
  if (named !== undefined) return named === "" ? undefined : named;
  return [ofUser(env, home), OF_MACHINE].find((path) => path !== undefined && existsSync(path));
}

function ofUser(env: Environment, home: () => string): string | undefined {
  try {
    const folder = env.XDG_CONFIG_HOME || join(env.HOME || home(), ".config");
    return join(folder, "tessera", "tessera.toml");
  } catch {
    return undefined; // a user number without an entry in passwd, as containers have it
  }
}
