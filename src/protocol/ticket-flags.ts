/**
 * Ticket flags (RFC 4120 §5.3): the bit numbers, their names, and the 32-bit form of files. Written out in
 * numbers, so that a program that only reads a credential cache does not load the descriptors of the
 * messages.
 */
import type { TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";

/** Flags in canonical order: ascending, and none of them twice. */
export function canonicalFlags(flags: readonly TicketFlag[]): TicketFlag[] {
  return areCanonicalFlags(flags) ? [...flags] : [...new Set(flags)].sort((a, b) => a - b);
}

/** Whether flags are in canonical order, which has no place for the reserved bit 0. */
export function areCanonicalFlags(flags: readonly TicketFlag[]): boolean {
  let before = 0;
  for (const flag of flags) {
    if (flag <= before) return false;
    before = flag;
  }
  return true;
}

/** The flags as a number of 32 bits (RFC 4120 §5.2.8): bit 0 is the most significant. */
export function flagsToBits(flags: readonly TicketFlag[]): number {
  return flags.reduce((bits, flag) => bits | (0x8000_0000 >>> flag), 0) >>> 0;
}

/** The flags in a number of 32 bits; bits without a name are dropped. */
export function flagsFromBits(bits: number): TicketFlag[] {
  return [...NAMES.keys()].filter((flag) => (bits & (0x8000_0000 >>> flag)) !== 0);
}

/** The names RFC 4120 gives the flags, for example `pre-authent`. */
export function flagNames(flags: readonly TicketFlag[]): string[] {
  return flags.map((flag) => NAMES.get(flag) ?? String(flag));
}

/** In canonical order; the reserved bit 0 has no name. */
const NAMES: ReadonlyMap<TicketFlag, string> = new Map<TicketFlag, string>([
  [1, "forwardable"],
  [2, "forwarded"],
  [3, "proxiable"],
  [4, "proxy"],
  [5, "may-postdate"],
  [6, "postdated"],
  [7, "invalid"],
  [8, "renewable"],
  [9, "initial"],
  [10, "pre-authent"],
  [11, "hw-authent"],
  [12, "transited-policy-checked"],
  [13, "ok-as-delegate"],
]);
