/**
 * The credential cache in a file, in MIT's FILE format 0x0504: `klist -c` of MIT Kerberos reads it.
 *
 * The file holds session keys: mode 0600, read only where nobody else can have written or read it. Others
 * change it too, so a login starts a new file, put in place of the old one in one step, and every other
 * change is made in the file, under the lock that MIT's library takes; what is not ours, or not understood,
 * stays byte for byte.
 */
import { constants } from "node:fs";
import { lstat, open, unlink } from "node:fs/promises";
import { ReadableError } from "../errors/readable-error.js";
import { fileIdentity, isSettled } from "../files/file-identity.js";
import { filePathOf } from "../files/file-name.js";
import { type LockedFile, withLockedFile } from "../files/locked-file.js";
import { requireOwn } from "../files/privacy.js";
import { readPrivateFile, writeFileAtomically } from "../files/private-file.js";
import { PrivateFileError } from "../files/private-file-error.js";
import {
  formatCredentialCache,
  type ParsedCredentialCache,
  parseCredentialCache,
} from "../formats/ccache.js";
import { planCacheChange } from "../formats/ccache-change.js";
import { credentialCacheVersion } from "../formats/ccache-versions.js";
import type { FileWrite } from "../formats/file-write.js";
import { FormatError } from "../formats/format-error.js";
import { beginsAsTicket } from "../protocol/ticket-bytes.js";
import type { CachedLogin, CredentialCache } from "./credential-cache.js";

/** A file that is not a credential cache, or one that can't be read here; the hint says what to do. */
export class CredentialCacheError extends ReadableError {
  override readonly name = "CredentialCacheError";
}

/** How long another program's lock is waited for, in milliseconds: the ticket at hand is used in any case. */
const PATIENCE_MS = 3_000;

const YEAR = 31_556_952_000;
/** The most that the header of a cache has room for, in milliseconds. */
const LONGEST_OFFSET = 0x7fff_ffff * 1000;

/** Room for the longest default principal there is, by which old versions are told. */
const HEAD_BYTES = 64 * 1024;

/**
 * A cache in a file.
 *
 * Its functions throw PrivateFileError for a symbolic link, another owner's file or one open to others, and
 * CredentialCacheError for a file of another format.
 * @param name its path, or `FILE:` and its path, as the cache's own `name` is.
 * @throws RangeError for a name of another type.
 */
export function fileCache(name: string): CredentialCache {
  const path = filePathOf(name, "credential cache");
  return {
    name: `FILE:${path}`,
    load: () => load(path),
    revision: () => revision(path),
    store: (login) => store(path, login),
    change: (change) => changeInPlace(path, change),
    destroy: () => destroy(path),
  };
}

/**
 * All that a cache's file holds, including what is not ours; undefined where there is none.
 * @throws PrivateFileError, CredentialCacheError as the functions of `fileCache`.
 */
export async function readCacheFile(path: string): Promise<ParsedCredentialCache | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readPrivateFile(path);
  } catch (error) {
    if (error instanceof PrivateFileError && error.code === "missing") return undefined;
    throw error;
  }
  try {
    return parse(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

async function load(path: string): Promise<CachedLogin | undefined> {
  const parsed = await readCacheFile(path);
  return parsed && ownLogin(path, parsed);
}

function parse(path: string, bytes: Uint8Array): ParsedCredentialCache {
  try {
    return parseCredentialCache(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const version = credentialCacheVersion(bytes);
    if (version === undefined && bytes.length > 0)
      throw new CredentialCacheError(`${path}: is not a credential cache`, {
        cause: error,
        hint: "name another: -c FILE, or TESSERA_CCACHE; this file stays as it is",
      });
    const what =
      version === 4 || version === undefined
        ? error.message
        : `a credential cache of the old version ${version}`;
    throw new CredentialCacheError(`${path}: ${what}`, { cause: error, hint: RENEW });
  }
}

const RENEW = "`tessera kinit` puts a new one in its place, `tessera kdestroy` removes it";

/** The part of a cache that is a login of ours: its owner's tickets that this system issued. */
function ownLogin(path: string, parsed: ParsedCredentialCache): CachedLogin {
  const { defaultPrincipal, defaultName, kdcOffset = 0, credentials } = parsed;
  if (defaultPrincipal === undefined)
    throw new CredentialCacheError(
      `${path}: belongs to ${defaultName}, which is no name of a principal here`,
      {
        hint: RENEW,
      },
    );
  const own = credentials.filter(
    ({ client, ticket }) => client === defaultPrincipal && beginsAsTicket(ticket),
  );
  return { client: defaultPrincipal, kdcOffset, credentials: own };
}

function revision(path: string): string | undefined {
  const identity = fileIdentity(path);
  return identity !== undefined && isSettled(identity) ? identity.text : undefined;
}

async function store(path: string, { client, kdcOffset, credentials }: CachedLogin): Promise<void> {
  await checkReplaceable(path);
  if (Math.abs(kdcOffset) > LONGEST_OFFSET) throw clocksApart(kdcOffset);
  const bytes = formatCredentialCache({ defaultPrincipal: client, kdcOffset, credentials });
  try {
    await writeFileAtomically(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

/** A file has room for an offset of 68 years: whichever clock is later than that is the wrong one. */
function clocksApart(kdcOffset: number): CredentialCacheError {
  const years = Math.round(Math.abs(kdcOffset) / YEAR);
  const [wrong, other] = kdcOffset < 0 ? ["this machine", "the KDC"] : ["the KDC", "this machine"];
  return new CredentialCacheError(
    `the clock of ${wrong} is at fault: it is ${years} years ahead of that of ${other}`,
    { hint: `set the clock of ${wrong} (NTP), and log in again` },
  );
}

async function changeInPlace(path: string, change: (login: CachedLogin) => CachedLogin): Promise<void> {
  const work = async (file: LockedFile) => {
    const bytes = await file.read();
    try {
      const parsed = parse(path, bytes);
      const before = ownLogin(path, parsed);
      const { end, additions, marks } = planCacheChange(parsed, before, change(before));
      if (additions.length > 0) await append(file, end, bytes.length, additions);
      await file.write(marks);
    } finally {
      bytes.fill(0);
    }
  };
  try {
    await withLockedFile(path, work, requireOwn, PATIENCE_MS);
  } catch (error) {
    if (!(error instanceof PrivateFileError && error.code === "missing")) throw error;
  }
}

/** Appends at the end of the last whole credential; half a one would be in the way of the next. */
async function append(
  file: LockedFile,
  end: number,
  size: number,
  additions: readonly FileWrite[],
): Promise<void> {
  try {
    if (end < size) await file.truncate(end);
    await file.write(additions);
  } catch (error) {
    await file.truncate(end).catch(() => {});
    throw error;
  } finally {
    for (const { bytes } of additions) bytes.fill(0);
  }
}

/**
 * The name first, as MIT's library does it: whoever opens the file from now on finds none, and nobody reads
 * zeros.
 */
async function destroy(path: string): Promise<boolean> {
  if (!(await checkReplaceable(path))) return false;
  const handle = await open(path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    await unlink(path);
    const { size } = await handle.stat();
    await handle.write(new Uint8Array(size), 0, size, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return true;
}

/** Whether there is a file; refuses anything but a regular file of our own that is a cache. */
async function checkReplaceable(path: string): Promise<boolean> {
  let status: Awaited<ReturnType<typeof lstat>>;
  try {
    status = await lstat(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    throw new PrivateFileError("unavailable", path, `${path}: ${message}`, { cause: error });
  }
  if (status.isSymbolicLink())
    throw new PrivateFileError("unsafe", path, `${path}: is a symbolic link; give the file itself`);
  if (!status.isFile()) throw new PrivateFileError("unsafe", path, `${path}: is not a regular file`);
  const user = process.geteuid?.();
  if (user !== undefined && status.uid !== user)
    throw new PrivateFileError("unsafe", path, `${path}: belongs to user ${status.uid}, not to user ${user}`);
  if (status.size > 0 && !(await beginsAsCache(path)))
    throw new PrivateFileError("unsafe", path, `${path}: is not a credential cache; it is left as it is`);
  return true;
}

/** Whether a file begins as a credential cache of any version does: a mistyped path costs nobody a file. */
async function beginsAsCache(path: string): Promise<boolean> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return credentialCacheVersion(buffer.subarray(0, bytesRead)) !== undefined;
  } finally {
    await handle.close();
  }
}
