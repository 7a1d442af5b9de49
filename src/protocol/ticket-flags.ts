/** Ticket flags (RFC 4120 §5.3): the bit numbers, their names, and the 32-bit form of files. */
import { TicketFlag, TicketFlagSchema } from "../gen/kerberos/v1/sealed_pb.js";

export { TicketFlag };

/** Flags in canonical order: ascending, none twice. */
export function canonicalFlags(flags: readonly TicketFlag[]): TicketFlag[] {
  return areCanonicalFlags(flags) ? [...flags] : [...new Set(flags)].sort((a, b) => a - b);
}

/** Whether flags are in canonical order; the reserved bit 0 has no place in it. */
export function areCanonicalFlags(flags: readonly TicketFlag[]): boolean {
  let before: TicketFlag = TicketFlag.UNSPECIFIED;
  for (const flag of flags) {
    if (flag <= before) return false;
    before = flag;
  }
  return true;
}

/** The flags as RFC 4120's 32-bit string: bit 0 is the most significant. */
export function flagsToBits(flags: readonly TicketFlag[]): number {
  return flags.reduce((bits, flag) => bits | (0x8000_0000 >>> flag), 0) >>> 0;
}

/** The flags of a 32-bit string; bits without a name are dropped. */
export function flagsFromBits(bits: number): TicketFlag[] {
  return TicketFlagSchema.values
    .map(({ number }) => number as TicketFlag)
    .filter((flag) => flag !== TicketFlag.UNSPECIFIED && (bits & (0x8000_0000 >>> flag)) !== 0);
}

const NAMES: ReadonlyMap<number, string> = new Map(
  TicketFlagSchema.values.map(({ number }) => [
    number,
    TicketFlag[number]!.toLowerCase().replaceAll("_", "-"),
  ]),
);

/** The names RFC 4120 gives the flags, for example `pre-authent`. */
export function flagNames(flags: readonly TicketFlag[]): string[] {
  return flags.map((flag) => NAMES.get(flag) ?? String(flag));
}
