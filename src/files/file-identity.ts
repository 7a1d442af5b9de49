/** What tells one state of a file from another without reading it. */
import { lstatSync } from "node:fs";

/** A file at one moment. */
export interface FileIdentity {
  /** Device, inode, size and both times: another text, another file or other contents. */
  readonly text: string;
  /** When anything about it changed last, in milliseconds since the epoch. */
  readonly changedAt: number;
}

/**
 * The identity of the file that bears the name now, a symbolic link's own where it is one; undefined where there is none.
 * Waits for the disk: it is made for the midst of a call, where a promise would cost four times as much.
 * @throws the system's error where the file can't be looked at.
 */
export function fileIdentity(path: string): FileIdentity | undefined {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (status === undefined) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = status;
  return { text: `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`, changedAt: Number(status.ctimeMs) };
}
