import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { KdcOption, KdcReqBodySchema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { MAX_ETYPES, readKdcRequest } from "../../src/protocol/kdc-request.js";
import { toTimestamp } from "../../src/protocol/kerberos-time.js";
import { NOW } from "../support/entries.js";
import { testMalformedFields } from "./kdc-request-suite.js";

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

  testMalformedFields("body", (alter) => {
    const message = body();
    alter(message);
    return readKdcRequest(message, "body");
  });

  test("may list as many encryption types as the limit", () => {
    const message = body();
    message.etypes = Array(MAX_ETYPES).fill(3);
    expect(readKdcRequest(message, "body").etypes).toHaveLength(32);
  });
});
