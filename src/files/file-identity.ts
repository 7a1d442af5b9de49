/** What tells one state of a file from another without reading it. */
import { type BigIntStats, lstatSync, statSync } from "node:fs";

/** A file at one moment. */
export interface FileIdentity {
  /** Device, inode, size and both times: where it differs, the file or its contents do. */
  readonly text: string;
  /** When anything about it last changed, in milliseconds since the epoch. */
  readonly changedAt: number;
}

/**
 * A file can change twice within one tick of the file system's clock, 2 s at the most, and keep its identity.
 */
const SETTLED_AFTER_MS = 2_000;

/**
 * The identity of what now bears the name, of a symbolic link itself if it is one; undefined if nothing does.
 * It blocks, as it is made for the middle of a call, where a promise would cost four times as much.
 * @throws the system's error if the file can't be looked at.
 */
export function fileIdentity(path: string): FileIdentity | undefined {
  return identityOf(lstatSync(path, { bigint: true, throwIfNoEntry: false }));
}

/** The same for the file that symbolic links lead to. */
export function followedFileIdentity(path: string): FileIdentity | undefined {
  return identityOf(statSync(path, { bigint: true, throwIfNoEntry: false }));
}

/**
 * Whether an identity stands for what was read after it was taken, and for nothing else.
 * @param now by the system's clock, as the times of files are, in milliseconds since the epoch.
 */
export function isSettled({ changedAt }: FileIdentity, now = Date.now()): boolean {
  return now - changedAt > SETTLED_AFTER_MS;
}

function identityOf(status: BigIntStats | undefined): FileIdentity | undefined {
  if (status === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = status;
  return { text: `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`, changedAt: Number(status.ctimeMs) };
}
