/**
 * Which of a principal's keys are the newest. Old keytabs keep only the low 8 bits of a version, so 1 may be
 * newer than 255. MIT's readers then go by the time of writing, and so do we (krb5 1.21, `kt_file.c`,
 * `more_recent`).
 */
import type { Principal } from "../protocol/principal.js";
import type { KeytabEntry } from "./keytab.js";

/** The keys of one version. */
export interface KeytabVersion {
  readonly kvno: number;
  readonly entries: readonly KeytabEntry[];
}

/**
 * The versions of a principal's keys, newest first; of two keys of the same version and encryption type, only
 * the later.
 */
export function keyVersions(entries: readonly KeytabEntry[], principal: Principal): KeytabVersion[] {
  const left = new Map<number, KeytabEntry[]>();
  for (const entry of entries) {
    if (entry.principal !== principal) continue;
    const others = left.get(entry.kvno) ?? [];
    const twin = others.find(({ key }) => key.etype === entry.key.etype);
    if (twin === undefined) left.set(entry.kvno, [...others, entry]);
    else if (entry.timestamp > twin.timestamp)
      left.set(entry.kvno, [...others.filter((other) => other !== twin), entry]);
  }
  // The rule is not an order (250, 130 and 3 may each be newer than the next), so the newest is sought each
  // time.
  const versions: KeytabVersion[] = [];
  while (left.size > 0) {
    const newest = [...left.values()].reduce((best, next) => (isNewer(next, best) ? next : best));
    const { kvno } = newest[0]!;
    left.delete(kvno);
    versions.push({ kvno, entries: newest });
  }
  return versions;
}

function isNewer(some: readonly KeytabEntry[], others: readonly KeytabEntry[]): boolean {
  const [a, b] = [some[0]!.kvno, others[0]!.kvno];
  const [writtenA, writtenB] = [writtenAt(some), writtenAt(others)];
  if (writtenA >= writtenB && a < 128 && b > 240) return true;
  if (writtenB >= writtenA && a > 240 && b < 128) return false;
  return a > b;
}

function writtenAt(entries: readonly KeytabEntry[]): number {
  return Math.max(...entries.map(({ timestamp }) => timestamp));
}
