/**
 * The credential cache in a file, in MIT's FILE format 0x0504: `klist -c` of MIT Kerberos reads it.
 *
 * The file holds session keys: mode 0600, replaced in one step, read only where nobody else can have written or read it.
 */
import { constants } from "node:fs";
import { lstat, open, unlink } from "node:fs/promises";
import { ReadableError } from "../errors/readable-error.js";
import { fileIdentity, isSettled } from "../files/file-identity.js";
import { readPrivateFile, writeFileAtomically } from "../files/private-file.js";
import { PrivateFileError } from "../files/private-file-error.js";
import { formatCredentialCache, parseCredentialCache } from "../formats/ccache.js";
import { FormatError } from "../formats/format-error.js";
import type { CachedLogin, CredentialCache } from "./credential-cache.js";

/** A file that is no credential cache; the text says what to do. */
export class CredentialCacheError extends ReadableError {
  override readonly name = "CredentialCacheError";
}

/**
 * A cache in the file `path`.
 *
 * Its functions throw PrivateFileError for a symbolic link, another owner's file or one open to others, and
 * CredentialCacheError for a file of another format.
 */
export function fileCache(path: string): CredentialCache {
  return {
    name: `FILE:${path}`,
    load: () => load(path),
    revision: () => revision(path),
    store: (login) => store(path, login),
    destroy: () => destroy(path),
  };
}

async function load(path: string): Promise<CachedLogin | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readPrivateFile(path);
  } catch (error) {
    if (error instanceof PrivateFileError && error.code === "missing") return undefined;
    throw error;
  }
  try {
    const { defaultPrincipal, defaultName, kdcOffset = 0, credentials } = parseCredentialCache(bytes);
    if (defaultPrincipal === undefined)
      throw new CredentialCacheError(`${path}: belongs to ${defaultName}, a name that is none here`, {
        hint: "log in: tessera kinit, or remove it: tessera kdestroy",
      });
    const own = credentials.filter(({ client }) => client === defaultPrincipal);
    return { client: defaultPrincipal, kdcOffset, credentials: own };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CredentialCacheError(`${path}: ${error.message}; remove it with \`tessera kdestroy\``, {
      cause: error,
    });
  } finally {
    bytes.fill(0);
  }
}

function revision(path: string): string | undefined {
  const identity = fileIdentity(path);
  return identity !== undefined && isSettled(identity) ? identity.text : undefined;
}

async function store(path: string, { client, kdcOffset, credentials }: CachedLogin): Promise<void> {
  await checkReplaceable(path);
  const bytes = formatCredentialCache({ defaultPrincipal: client, kdcOffset, credentials });
  try {
    await writeFileAtomically(path, bytes);
  } finally {
    bytes.fill(0);
  }
}

async function destroy(path: string): Promise<boolean> {
  if (!(await checkReplaceable(path))) return false;
  const handle = await open(path, constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const { size } = await handle.stat();
    await handle.write(new Uint8Array(size), 0, size, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await unlink(path);
  return true;
}

/** Whether there is a file; refuses what is not a regular file of our own. */
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

/** Whether a file begins as every credential cache in MIT's FILE format does: a mistyped path costs nobody a file. */
async function beginsAsCache(path: string): Promise<boolean> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 5 && buffer[1] === 4;
  } finally {
    await handle.close();
  }
}
