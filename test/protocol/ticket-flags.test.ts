import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TicketFlag, TicketFlagSchema } from "../../src/gen/kerberos/v1/sealed_pb.js";
import { canonicalFlags, flagNames, flagsFromBits, flagsToBits } from "../../src/protocol/ticket-flags.js";

const named = TicketFlagSchema.values.map(({ number }) => number as TicketFlag).filter((flag) => flag !== 0);

describe("ticket flags", () => {
  test("have the bits of RFC 4120 §5.3, bit 0 the most significant", () => {
    const { FORWARDABLE, INVALID, RENEWABLE, INITIAL, PRE_AUTHENT, OK_AS_DELEGATE } = TicketFlag;
    expect(flagsToBits([])).toBe(0);
    expect(flagsToBits([FORWARDABLE])).toBe(0x4000_0000);
    expect(flagsToBits([INVALID])).toBe(0x0100_0000);
    // What `klist -f` of MIT Kerberos shows as RIA for a renewable TGT.
    expect(flagsToBits([RENEWABLE, INITIAL, PRE_AUTHENT])).toBe(0x00e0_0000);
    expect(flagsToBits([OK_AS_DELEGATE])).toBe(0x0004_0000);
  });

  test("are a number of 32 bits without sign even with bit 0", () => {
    expect(flagsToBits([TicketFlag.UNSPECIFIED])).toBe(0x8000_0000);
  });

  test("come back from their bits in canonical order", () => {
    fc.assert(
      fc.property(fc.subarray(named), (flags) => {
        expect(flagsFromBits(flagsToBits(flags))).toEqual(canonicalFlags(flags));
      }),
    );
  });

  test("without a name are dropped, the reserved bit 0 too", () => {
    expect(flagsFromBits(0xffff_ffff)).toEqual(canonicalFlags(named));
    expect(flagsFromBits(0x8000_0001)).toEqual([]);
  });

  test("are canonical when ascending and none twice", () => {
    const { INITIAL, PRE_AUTHENT, RENEWABLE } = TicketFlag;
    expect(canonicalFlags([PRE_AUTHENT, INITIAL, RENEWABLE, INITIAL])).toEqual([8, 9, 10]);
    expect(canonicalFlags([])).toEqual([]);
  });

  test("have the RFC's names, and their number where they have none", () => {
    expect(flagNames([TicketFlag.PRE_AUTHENT, TicketFlag.MAY_POSTDATE, 31 as TicketFlag])).toEqual([
      "pre-authent",
      "may-postdate",
      "31",
    ]);
    const written = named.map((flag) => TicketFlag[flag]!.toLowerCase().replaceAll("_", "-"));
    expect(flagNames(named)).toEqual(written);
  });
});
