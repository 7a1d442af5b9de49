import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { KdcOption, type KdcReqBody, KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import {
  earliest,
  type KdcTimes,
  MAX_ETYPES,
  readKdcRequest,
  ticketLife,
} from "../../src/protocol/kdc-request.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { DAY, HOUR, NOW } from "../support/entries.js";
import { expectRefusal } from "./refusal.js";

const { RENEWABLE, RENEWABLE_OK, RENEW } = KdcOption;
/** Numbers as a peer may send them: protobuf's enums are open, TypeScript's are not. */
const numbers = (...values: number[]) => values as never[];

describe("the fields a client chose", () => {
  const body = () => create(KdcReqBodySchema, { nonce: new Uint8Array(16), etypes: [3] });

  test("are read as they stand", () => {
    const message = body();
    message.from = toTimestamp(NOW);
    message.till = toTimestamp(NOW + 1);
    message.renewTill = toTimestamp(NOW + 2);
    message.options = [RENEW, RENEWABLE];
    message.etypes = numbers(20, 20, 0, 99, -1);
    expect(readKdcRequest(message, "body")).toEqual({
      times: { from: NOW, till: NOW + 1, renewTill: NOW + 2 },
      options: [RENEW, RENEWABLE],
      nonce: new Uint8Array(16),
      etypes: [20, 20, 0, 99, -1],
    });
    expect(readKdcRequest(body(), "body").times).toEqual({
      from: undefined,
      till: undefined,
      renewTill: undefined,
    });
  });

  const ages = create(TimestampSchema, { seconds: 2n ** 63n - 1n });
  const vectors: {
    name: string;
    alter: (body: KdcReqBody) => void;
    code: KrbErrorName;
    details: Record<string, string>;
  }[] = [
    {
      name: "no nonce",
      alter: (b) => (b.nonce = new Uint8Array()),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.nonce" },
    },
    {
      name: "a nonce of 15 bytes",
      alter: (b) => (b.nonce = new Uint8Array(15)),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.nonce" },
    },
    {
      name: "a nonce of 17 bytes",
      alter: (b) => (b.nonce = new Uint8Array(17)),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.nonce" },
    },
    {
      name: "no encryption types",
      alter: (b) => (b.etypes = []),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.etypes" },
    },
    {
      name: "33 encryption types",
      alter: (b) => (b.etypes = Array(33).fill(3)),
      code: "KRB_ERR_FIELD_TOOLONG",
      details: { field: "body.etypes", length: "33", limit: "32" },
    },
    {
      name: "the reserved option",
      alter: (b) => (b.options = [KdcOption.UNSPECIFIED]),
      code: "KDC_ERR_BADOPTION",
      details: { option: "0" },
    },
    {
      name: "the option forwardable",
      alter: (b) => (b.options = numbers(RENEWABLE, 1)),
      code: "KDC_ERR_BADOPTION",
      details: { option: "1" },
    },
    {
      name: "the option postdated",
      alter: (b) => (b.options = numbers(6)),
      code: "KDC_ERR_BADOPTION",
      details: { option: "6" },
    },
    {
      name: "a negative option",
      alter: (b) => (b.options = numbers(-1)),
      code: "KDC_ERR_BADOPTION",
      details: { option: "-1" },
    },
    {
      name: "an option of 2^31-1",
      alter: (b) => (b.options = numbers(2 ** 31 - 1)),
      code: "KDC_ERR_BADOPTION",
      details: { option: "2147483647" },
    },
    {
      name: "an option twice",
      alter: (b) => (b.options = [RENEWABLE, RENEWABLE]),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.options" },
    },
    {
      name: "an absurd from",
      alter: (b) => (b.from = ages),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.from" },
    },
    {
      name: "an absurd till",
      alter: (b) => (b.till = ages),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.till" },
    },
    {
      name: "an absurd renew till",
      alter: (b) => (b.renewTill = ages),
      code: "KRB_ERR_GENERIC",
      details: { field: "body.renew_till" },
    },
  ];
  test.each(vectors)("are refused with $name", ({ alter, code, details }) => {
    const message = body();
    alter(message);
    expectRefusal(() => readKdcRequest(message, "body"), code, details);
  });

  test("may list as many encryption types as the limit", () => {
    const message = body();
    message.etypes = Array(MAX_ETYPES).fill(3);
    expect(readKdcRequest(message, "body").etypes).toHaveLength(32);
  });
});

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
