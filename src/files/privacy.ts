/**
 * Who else could have read or written a file that holds secrets: two rules, and one way round both.
 *
 * - Our own files (caches, what a realm is made of) must belong to us, and have no bits for group or others.
 * - Secrets that somebody gives us (keytabs, passwords, master and TLS keys) likewise; or they may be root's
 *   and readable by a group, as orchestrators mount them. (PostgreSQL has the same rule for its keys.)
 * - Files below a folder of `TESSERA_TRUSTED_DIRS` (separated as in PATH) are accepted as they are: whoever
 *   starts the program answers for them.
 */
import { accessSync, constants, realpathSync, type Stats } from "node:fs";
import { delimiter, dirname, resolve, sep } from "node:path";
import { PrivateFileError } from "./private-file-error.js";

/** The variable that names the folders whose files are accepted as they are. */
export const TRUSTED_DIRS = "TESSERA_TRUSTED_DIRS";

/** Refuses an open file that should not be used; throws PrivateFileError `unsafe`. */
export type PrivacyRule = (status: Stats, path: string) => void;

/** The rule for our own files. */
export const requireOwn: PrivacyRule = (status, path) => {
  const user = begin(status, path);
  if (user === undefined) return;
  if (status.uid !== user) throw belongsTo(status, path, user);
  if ((status.mode & 0o077) !== 0) throw openToOthers(status, path, "0600");
};

/** The rule for secrets that somebody gives us. */
export const requireGiven: PrivacyRule = (status, path) => {
  if (status.isFIFO())
    throw new PrivateFileError(
      "unsafe",
      path,
      `${path}: is a named pipe; give /dev/stdin, and the pipe as stdin`,
    );
  const user = begin(status, path);
  if (user === undefined) return;
  if (status.uid !== user && status.uid !== 0) throw belongsTo(status, path, user);
  const others = status.uid === 0 ? 0o037 : 0o077;
  if ((status.mode & others) !== 0) throw openToOthers(status, path, status.uid === 0 ? "0440" : "0400");
};

/** Whether a file is below a trusted folder. */
export function isTrusted(path: string): boolean {
  const folders = (process.env[TRUSTED_DIRS] ?? "").split(delimiter).filter((folder) => folder !== "");
  return folders.length > 0 && folders.some((folder) => isBelow(resolve(path), resolve(folder)));
}

/** Whether a path is below a folder. Both are absolute and free of dots. */
export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** The user to compare with; undefined if nothing is to be compared. */
function begin(status: Stats, path: string): number | undefined {
  if (!status.isFile()) throw new PrivateFileError("unsafe", path, `${path}: is not a regular file`);
  // On systems without owners and modes there is no user.
  return isTrusted(path) ? undefined : process.geteuid?.();
}

function belongsTo(status: Stats, path: string, user: number): PrivateFileError {
  const whose = `${path}: belongs to user ${status.uid}, not to user ${user} who runs this`;
  return new PrivateFileError("unsafe", path, `${whose}; run this as its owner, or ${wayRound(path)}`);
}

function openToOthers(status: Stats, path: string, mode: string): PrivateFileError {
  const open = `${path}: open to others (mode ${shownMode(status)})`;
  const user = process.geteuid?.();
  if ((status.uid === user || user === 0) && !isReadOnly(path))
    return new PrivateFileError("unsafe", path, `${open}; run \`chmod 600 ${path}\``, {
      hint: `or ${wayRound(path)}`,
    });
  const remedy = `mount it with mode ${mode} (Kubernetes: defaultMode)`;
  return new PrivateFileError("unsafe", path, `${open}; ${remedy}, or ${wayRound(path)}`);
}

function wayRound(path: string): string {
  return `have the files of its folder taken as they are: ${TRUSTED_DIRS}=${dirname(resolve(path))}`;
}

function shownMode({ mode }: Stats): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}

function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EROFS";
  }
}

/**
 * The file that a name leads to. A symbolic link is followed only within its folder, as an orchestrator's
 * links are (`krb5.keytab` to `..data/krb5.keytab`), or below a trusted folder.
 * @throws PrivateFileError `unsafe` for a link that leads elsewhere, and the system's error if nothing bears
 *   the name.
 */
export function followWithinFolder(path: string): string {
  const real = realpathSync(path);
  const folder = realpathSync(dirname(path));
  if (isBelow(real, folder) || isTrusted(path)) return real;
  throw new PrivateFileError(
    "unsafe",
    path,
    `${path}: is a symbolic link out of its folder; give the file itself: ${real}`,
  );
}
