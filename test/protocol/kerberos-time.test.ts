import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkSkew,
  fromOptionalTimestamp,
  fromTimestamp,
  isoTime,
  leastOffset,
  toTimestamp,
} from "../../src/protocol/kerberos-time.js";
import { NOW, SKEW } from "../support/entries.js";
import { expectRefusal } from "./refusal.js";

const FIRST = Date.parse("0001-01-01T00:00:00.000Z");
const LAST = Date.parse("9999-12-31T23:59:59.999Z");
const timestamp = (seconds: bigint, nanos = 0) => create(TimestampSchema, { seconds, nanos });

describe("a Timestamp", () => {
  test("gives back the millisecond it was made of, over the whole range", () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (ms) => {
        const time = toTimestamp(ms);
        expect(time.nanos % 1_000_000).toBe(0);
        expect(fromTimestamp(time, "t")).toBe(ms);
      }),
    );
  });

  test.each([
    ["the epoch", 0, 0n, 0],
    ["the last millisecond before the epoch", -1, -1n, 999_000_000],
    ["the last second of 31 bits", 2_147_483_647_000, 2_147_483_647n, 0],
    ["the first second beyond 31 bits", 2_147_483_648_999, 2_147_483_648n, 999_000_000],
    ["the first second beyond 32 bits", 4_294_967_296_000, 4_294_967_296n, 0],
    ["the first millisecond of all", FIRST, -62_135_596_800n, 0],
    ["the last millisecond of all", LAST, 253_402_300_799n, 999_000_000],
  ])("of %s is exact", (_, ms, seconds, nanos) => {
    expect(toTimestamp(ms)).toMatchObject({ seconds, nanos });
    expect(fromTimestamp(timestamp(seconds, nanos), "t")).toBe(ms);
  });

  test("finer than a millisecond is cut to the millisecond before", () => {
    expect(fromTimestamp(timestamp(1n, 1_999_999), "t")).toBe(1001);
    expect(fromTimestamp(timestamp(-1n, 999_999_999), "t")).toBe(-1);
    expect(fromTimestamp(timestamp(0n, 999_999), "t")).toBe(0);
  });

  test.each([
    ["a second before the first year", timestamp(-62_135_596_801n)],
    ["a second after the last year", timestamp(253_402_300_800n)],
    ["the most seconds of 64 bits", timestamp(2n ** 63n - 1n)],
    ["the least seconds of 64 bits", timestamp(-(2n ** 63n))],
    ["2^53 seconds", timestamp(2n ** 53n)],
    ["negative nanoseconds", timestamp(0n, -1)],
    ["a billion nanoseconds", timestamp(0n, 1_000_000_000)],
    ["the most nanoseconds of 32 bits", timestamp(0n, 2_147_483_647)],
  ])("of %s is refused", (_, time) => {
    expectRefusal(() => fromTimestamp(time, "request.till"), "KRB_ERR_GENERIC", { field: "request.till" });
    expectRefusal(() => fromOptionalTimestamp(time, "request.till"), "KRB_ERR_GENERIC", {
      field: "request.till",
    });
  });

  test("that is absent is no time", () => {
    expect(fromOptionalTimestamp(undefined, "t")).toBeUndefined();
    expect(fromOptionalTimestamp(timestamp(0n), "t")).toBe(0);
  });
});

test("a time is shown as ISO 8601 in UTC", () => {
  expect(isoTime(NOW)).toBe("2026-03-01T12:00:00.000Z");
  const times = fc.oneof(
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
    fc.integer({ min: FIRST, max: LAST }),
    fc.integer({ min: -2500, max: 2500 }),
    fc.double({ min: -2500, max: 2500, noNaN: true }),
  );
  fc.assert(
    fc.property(times, (ms) => {
      const text = new Date(ms).toISOString();
      expect(isoTime(ms)).toBe(text);
      expect(isoTime(ms)).toBe(text);
    }),
    { numRuns: 1000 },
  );
  for (const none of [Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 1, -8.64e15 - 1])
    expect(() => isoTime(none)).toThrow(RangeError);
});

describe("the clock skew", () => {
  test.each([0, 1, -1, SKEW - 1, -(SKEW - 1), SKEW, -SKEW])(
    "of %d ms is accepted at a limit of 5 minutes",
    (offset) => {
      expect(() => checkSkew(NOW + offset, NOW, SKEW)).not.toThrow();
    },
  );

  test.each([
    [SKEW + 1, "client is ahead"],
    [-(SKEW + 1), "client is behind"],
    [24 * 3_600_000, "client is ahead"],
    [-24 * 3_600_000, "client is behind"],
    [Date.UTC(2038, 0, 19, 3, 14, 8) - NOW, "client is ahead"],
    [Date.UTC(2106, 1, 7) - NOW, "client is ahead"],
    [-NOW, "client is behind"],
  ])("of %d ms is refused, with offset, limit and side", (offset, side) => {
    const refusal = expectRefusal(() => checkSkew(NOW + offset, NOW, SKEW), "KRB_AP_ERR_SKEW");
    expect(refusal.details).toEqual({
      offset_ms: String(offset),
      limit_ms: "300000",
      side,
      server_time: "2026-03-01T12:00:00.000Z",
    });
    expect(refusal.message).toContain(side);
  });

  test("of nothing is still accepted where nothing is permitted", () => {
    expect(() => checkSkew(NOW, NOW, 0)).not.toThrow();
    expectRefusal(() => checkSkew(NOW + 1, NOW, 0), "KRB_AP_ERR_SKEW", { offset_ms: "1", limit_ms: "0" });
  });

  test("is told to the person in seconds to the millisecond", () => {
    const { message } = expectRefusal(() => checkSkew(NOW - 300_001, NOW, SKEW), "KRB_AP_ERR_SKEW");
    expect(message).toContain("by 300.001 s, at most 300 s");
  });
});

test.each([
  [0, 20, 0, "clocks agree"],
  [-15, 20, 0, "the time on the wire explains it"],
  [-20, 20, 0, "the time on the wire just explains it"],
  [-21, 20, -1, "one millisecond that it does not explain"],
  [3_600_000, 20, 3_600_000, "we are an hour behind"],
  [-3_600_000, 20, -3_599_980, "we are an hour ahead"],
])("an offset of %i ms measured over %i ms is %i: %s", (measured, elapsed, offset) => {
  expect(leastOffset(measured, elapsed)).toBe(offset);
});
