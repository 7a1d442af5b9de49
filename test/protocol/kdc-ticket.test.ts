import { describe, expect, test } from "vitest";
import { KdcOption } from "../../src/gen/kerberos/v1/kdc_pb.js";
import type { KdcTimes } from "../../src/protocol/kdc-request.js";
import { earliest, ticketLife } from "../../src/protocol/kdc-ticket.js";
import { DAY, HOUR, NOW } from "../support/entries.js";

const { RENEWABLE, RENEWABLE_OK } = KdcOption;

test("the earliest of some times ignores those that are absent", () => {
  expect(earliest(5)).toBe(5);
  expect(earliest(5, undefined, 3, undefined, 4)).toBe(3);
  expect(earliest(Number.POSITIVE_INFINITY, 0, undefined)).toBe(0);
  expect(earliest(1, -1)).toBe(-1);
});

describe("the life of a ticket", () => {
  const MAX = 10 * HOUR;
  const WEEK = 7 * DAY;
  interface Wish {
    times?: Partial<KdcTimes>;
    options?: KdcOption[];
    maxLives?: (number | undefined)[];
    maxRenewableLives?: (number | undefined)[];
    endLimit?: number;
  }
  const life = ({ times, options = [], maxLives = [MAX], maxRenewableLives = [WEEK], endLimit }: Wish) => {
    const { endtime, renewTill } = ticketLife({
      times: { from: undefined, till: undefined, renewTill: undefined, ...times },
      options,
      now: NOW,
      maxLives,
      maxRenewableLives,
      endLimit,
    });
    return [endtime - NOW, renewTill === undefined ? undefined : renewTill - NOW];
  };
  const until = (till: number) => ({ till: NOW + till });

  test.each<[string, Wish, number, number | undefined]>([
    ["is the realm's longest where nothing is asked", {}, MAX, undefined],
    ["is what was asked where that is shorter", { times: until(1) }, 1, undefined],
    ["is 0 where 0 was asked (which policy refuses)", { times: until(0) }, 0, undefined],
    ["is negative where the past was asked (which policy refuses)", { times: until(-1) }, -1, undefined],
    ["is the longest, asked for exactly", { times: until(MAX) }, MAX, undefined],
    ["is the longest, asked for one more", { times: until(MAX + 1) }, MAX, undefined],
    [
      "is the longest, asked for 2^31-1 seconds since the epoch",
      { times: { till: (2 ** 31 - 1) * 1000 } },
      MAX,
      undefined,
    ],
    [
      "is the longest, asked for 2^31 seconds since the epoch",
      { times: { till: 2 ** 31 * 1000 } },
      MAX,
      undefined,
    ],
    [
      "is the longest, asked for 2^32 seconds since the epoch",
      { times: { till: 2 ** 32 * 1000 } },
      MAX,
      undefined,
    ],
    ["is the longest, asked for the year 9999", { times: { till: 253_402_300_799_999 } }, MAX, undefined],
    [
      "is the longest, asked for 2^53-1 ms since the epoch",
      { times: { till: Number.MAX_SAFE_INTEGER } },
      MAX,
      undefined,
    ],
    ["is what was asked, before 1970", { times: { till: -1 } }, -1 - NOW, undefined],
    ["is the smallest of realm and principals", { maxLives: [MAX, undefined, 3, 4] }, 3, undefined],
    ["is 0 where a principal may have none", { maxLives: [MAX, 0] }, 0, undefined],
    [
      "reaches beyond 2^31 seconds since the epoch where policy permits",
      { maxLives: [2 ** 31 * 1000] },
      2 ** 31 * 1000,
      undefined,
    ],
    ["ends with the ticket it is made from", { endLimit: NOW + 7 }, 7, undefined],
    [
      "ends with the ticket it is made from, whatever is asked",
      { endLimit: NOW + 7, times: until(8) },
      7,
      undefined,
    ],
    ["is renewable as long as policy allows where that was asked", { options: [RENEWABLE] }, MAX, WEEK],
    [
      "is renewable until the time asked",
      { options: [RENEWABLE], times: { renewTill: NOW + DAY } },
      MAX,
      DAY,
    ],
    [
      "is renewable no longer than the longest",
      { options: [RENEWABLE], times: { renewTill: NOW + WEEK + 1 } },
      MAX,
      WEEK,
    ],
    [
      "is not renewable until its own end",
      { options: [RENEWABLE], times: { renewTill: NOW + MAX } },
      MAX,
      undefined,
    ],
    [
      "is renewable for one millisecond beyond its end",
      { options: [RENEWABLE], times: { renewTill: NOW + MAX + 1 } },
      MAX,
      MAX + 1,
    ],
    [
      "is not renewable where a principal may not",
      { options: [RENEWABLE], maxRenewableLives: [WEEK, 0] },
      MAX,
      undefined,
    ],
    [
      "is not renewable where nothing may be",
      { options: [RENEWABLE], maxRenewableLives: [] },
      MAX,
      undefined,
    ],
    ["is not renewable unasked, even with a time", { times: { renewTill: NOW + WEEK } }, MAX, undefined],
    [
      "is renewable with renewable-ok where the life asked is too long",
      { options: [RENEWABLE_OK], times: until(DAY) },
      MAX,
      DAY,
    ],
    [
      "is not renewable with renewable-ok where the life asked can be had",
      { options: [RENEWABLE_OK], times: until(MAX) },
      MAX,
      undefined,
    ],
    ["is not renewable with renewable-ok and no life asked", { options: [RENEWABLE_OK] }, MAX, undefined],
    [
      "is renewable with renewable-ok, one millisecond too long",
      { options: [RENEWABLE_OK], times: until(MAX + 1) },
      MAX,
      MAX + 1,
    ],
    [
      "is renewable with renewable-ok no longer than the longest",
      { options: [RENEWABLE_OK], times: until(WEEK + DAY) },
      MAX,
      WEEK,
    ],
  ])("%s", (_, wish, endtime, renewTill) => {
    expect(life(wish)).toEqual([endtime, renewTill]);
  });
});
