import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { KdcOption, type KdcReqBody, KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { MAX_ETYPES, readKdcRequest } from "../../src/protocol/kdc-request.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import type { KrbErrorName } from "../../src/protocol/krb-error.js";
import { NOW } from "../support/entries.js";
import { expectRefusal } from "./refusal.js";

const { RENEWABLE, RENEW } = KdcOption;
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
