/** What tells one state of a file from another without reading it. */
import { type BigIntStats, lstatSync, statSync } from "node:fs";

/** A file at one moment. */
export interface FileIdentity {
  /** Device, inode, size and both times: another text, another file or other contents. */
  readonly text: string;
  /** When anything about it changed last, in milliseconds since the epoch. */
  readonly changedAt: number;
}

/** A file may change twice within one tick of the file system's clock, 2 s at the coarsest, and keep its identity. */
const SETTLED_AFTER_MS = 2_000;

/**
 * The identity of the file that bears the name now, a symbolic link's own where it is one; undefined where there is none.
 * Waits for the disk: it is made for the midst of a call, where a promise would cost four times as much.
 * @throws the system's error where the file can't be looked at.
 */
export function fileIdentity(path: string): FileIdentity | undefined {
  return identityOf(lstatSync(path, { bigint: true, throwIfNoEntry: false }));
}

/** The same of the file that symbolic links lead to. */
export function followedFileIdentity(path: string): FileIdentity | undefined {
  return identityOf(statSync(path, { bigint: true, throwIfNoEntry: false }));
}

/**
 * Whether what was read of a file, after its identity was taken, is all that this identity can stand for.
 * @param now by the system's clock, as a file's times are, in milliseconds since the epoch.
 */
export function isSettled({ changedAt }: FileIdentity, now = Date.now()): boolean {
  return now - changedAt > SETTLED_AFTER_MS;
}

function identityOf(status: BigIntStats | undefined): FileIdentity | undefined {
  if (status === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = status;
  return { text: `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`, changedAt: Number(status.ctimeMs) };
}
