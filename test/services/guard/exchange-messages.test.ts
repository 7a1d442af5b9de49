/** The service's side of a call's messages: what is protected, in which order, and whose keys they are. */
import { describe, expect, test, vi } from "vitest";
import type { VerifiedApReq } from "../../../src/protocol/ap-exchange.js";
import { isProtected, needsSubkeys, PROTECTIONS, readApReq } from "../../../src/protocol/call-binding.js";
import { Key } from "../../../src/protocol/keys.js";
import { AP_REQ_METADATA } from "../../../src/rpc/metadata-names.js";
import { ExchangeMessages } from "../../../src/services/guard/exchange-messages.js";
import { refusalOf } from "../../protocol/refusal.js";
import { verifyCall } from "../../support/verify-call.js";
import { bind, HOST, KEYS, methodOf, NOW } from "./by-hand.js";

const KINDS = ["say", "list", "join", "talk"] as const;

/** Messages of a call as the client bound it. */
function open(kind: (typeof KINDS)[number], protection: (typeof PROTECTIONS)[number]) {
  const method = methodOf(kind);
  const bound = bind(method, protection);
  const call = {
    method: method.path,
    authority: HOST,
    request: method.requestStream ? undefined : bound.request,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
  };
  const policy = { service: KEYS, permittedEtypes: [20], clockSkew: 300_000 };
  const [value] = bound.metadata.get(AP_REQ_METADATA) as [Buffer];
  const verified = verifyCall(readApReq(value), call, policy, NOW);
  return {
    messages: new ExchangeMessages(verified, { protection }, method, undefined),
    bound,
    verified,
    method,
  };
}

const rows = KINDS.flatMap((kind) => PROTECTIONS.map((protection) => ({ kind, protection })));

describe.each(rows)("$kind at $protection", ({ kind, protection }) => {
  const { requestStream, responseStream } = methodOf(kind);

  test("opens requests as they are protected", () => {
    const { messages, bound } = open(kind, protection);
    const sent =
      isProtected(protection, requestStream) && requestStream
        ? Buffer.from(bound.protector!.protect(Buffer.from("<a>")))
        : requestStream
          ? Buffer.from("<a>")
          : bound.request;
    const { kind: opened, message } = messages.open(sent);
    expect(opened).toBe("message");
    expect(Buffer.from(message!).toString()).toBe(requestStream ? "<a>" : "<hello>");
    if (isProtected(protection, requestStream))
      expect(refusalOf(() => messages.open(Buffer.from("<a>"))).reason).toMatch(/MODIFIED|BAD_INTEGRITY/);
  });

  test("asks for the end marker of a stream of requests alone", () => {
    const { messages, bound } = open(kind, protection);
    if (!requestStream || protection === "call") return expect(messages.checkEnded()).toBeUndefined();
    expect(refusalOf(() => messages.checkEnded()).reason).toBe("KRB_AP_ERR_MODIFIED");
    expect(messages.open(Buffer.from(bound.protector!.end())).kind).toBe("end");
    expect(messages.checkEnded()).toBeUndefined();
  });

  test("has an end marker of responses where they are a stream, behind the AP-REP", () => {
    const { messages } = open(kind, protection);
    expect(messages.isAnswered).toBe(false);
    expect(() => messages.protect(Buffer.from("a"))).toThrow(
      new TypeError("protect: expected the AP-REP to be made first"),
    );
    expect(messages.endMarker()).toBeUndefined();
    expect(Buffer.isBuffer(messages.answer())).toBe(true);
    expect(messages.isAnswered).toBe(true);
    const response = Buffer.from("a");
    expect(messages.protect(response) === response).toBe(!isProtected(protection, responseStream));
    expect(Buffer.isBuffer(messages.protect(response))).toBe(true);
    expect(Buffer.isBuffer(messages.endMarker())).toBe(responseStream && protection !== "call");
  });

  test("wipes its keys, the client's and the service's", () => {
    const { messages } = open(kind, protection);
    const wiped = vi.spyOn(Key.prototype, "wipe");
    const agreed = needsSubkeys(protection, methodOf(kind));
    messages.wipe();
    expect(wiped).toHaveBeenCalledTimes(agreed ? 1 : 0);
    messages.answer();
    messages.wipe();
    expect(wiped).toHaveBeenCalledTimes(agreed ? 3 : 0);
    for (const key of wiped.mock.contexts) expect((key as Key).exportBytes()).toEqual(new Uint8Array(32));
    wiped.mockRestore();
  });
});

test("requests that are to be protected are not opened without a subkey", () => {
  const { verified, method } = open("join", "authenticate");
  const without: VerifiedApReq = { ...verified, subkey: undefined };
  expect(() => new ExchangeMessages(without, { protection: "authenticate" }, method, undefined)).toThrow(
    new TypeError("subkey: expected one where requests are protected"),
  );
});
