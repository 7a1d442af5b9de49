/** The proof of a call as its metadata has it: one AP-REQ, or one proof under a session. */
import { describe, expect, test } from "vitest";
import { makeSessionCall } from "../../../src/protocol/session-call.js";
import { MacKey } from "../../../src/protocol/session-keys.js";
import { AP_REQ_METADATA, CALL_METADATA } from "../../../src/rpc/metadata-names.js";
import { readProof } from "../../../src/services/guard/proof.js";
import { refusalOf } from "../../protocol/refusal.js";
import { bind, HOST } from "./by-hand.js";

describe("the proof of a call", () => {
  const refusal = (values: readonly (string | Uint8Array)[]) => refusalOf(() => readProof(values, []));

  test("is one value", () => {
    const [value] = bind().metadata.get(AP_REQ_METADATA) as [Buffer];
    expect(readProof([value], []).protection).toBe("authenticate");
    expect(refusal([])).toMatchObject({
      reason: "KDC_ERR_PREAUTH_REQUIRED",
      message: `the method needs a ticket, in ${AP_REQ_METADATA}: the client's ticketInterceptor puts it there`,
      details: { metadata: AP_REQ_METADATA },
    });
    expect(refusal([value, value])).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      message: `${AP_REQ_METADATA}: expected one value, got 2`,
      details: { field: AP_REQ_METADATA, values: "2" },
    });
  });

  test("is bytes", () => {
    expect(refusal(["text"])).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: AP_REQ_METADATA },
    });
    expect(refusal([Buffer.from("text")])).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: "ap_req" },
    });
  });

  test("under a session is one value too, and nothing beside it", () => {
    const attempt = {
      session: new Uint8Array(16),
      number: 1,
      call: 1,
      protection: "authenticate" as const,
      age: 0,
    };
    const call = {
      method: "/a.B/C",
      authority: HOST,
      protection: "authenticate" as const,
      requestSha256: undefined,
    };
    const value = Buffer.from(makeSessionCall(new MacKey(new Uint8Array(32)), attempt, call));
    const [apReq] = bind().metadata.get(AP_REQ_METADATA) as [Buffer];
    expect(readProof([], [value])).toMatchObject({ number: 1, call: 1 });
    expect(refusalOf(() => readProof([apReq], [value]))).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: CALL_METADATA },
    });
    expect(refusalOf(() => readProof([], [value, value]))).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: CALL_METADATA, values: "2" },
    });
    expect(refusalOf(() => readProof([], [Buffer.from("text")]))).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      details: { field: "call" },
    });
  });
});
