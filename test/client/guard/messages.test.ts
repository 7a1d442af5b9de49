/** The client's side of a call's messages: what is protected, and whose keys they are. */
import { describe, expect, test, vi } from "vitest";
import { GuardedMessages } from "../../../src/client/guard/messages.js";
import { makeSubkey } from "../../../src/protocol/ap-exchange.js";
import { PROTECTIONS } from "../../../src/protocol/call-binding.js";
import { Key } from "../../../src/protocol/keys.js";
import {
  MessageOpener,
  MessageProtector,
  REQUESTS,
  RESPONSES,
} from "../../../src/protocol/message-protection.js";
import { refusalOf } from "../../protocol/refusal.js";
import { methodOf, ticketFor } from "./by-hand.js";

const KINDS = ["say", "list", "join", "talk"] as const;
const rows = KINDS.flatMap((kind) => PROTECTIONS.map((protection) => ({ kind, protection })));
const { key } = ticketFor();

describe.each(rows)("$kind at $protection", ({ kind, protection }) => {
  const method = methodOf(kind);
  const { requestStream, responseStream } = method;
  const protects = (stream: boolean) => stream || protection !== "authenticate";
  const agreed = protects(requestStream || responseStream);
  const make = () => new GuardedMessages(key, protection, method);

  test("has fresh keys of the session key's type, where a direction is protected", () => {
    const { keys } = make();
    if (!agreed) return expect(keys).toBeUndefined();
    expect(keys!.subkey.etype).toBe(key.etype);
    expect(keys!.subkey.exportBytes()).not.toEqual(make().keys!.subkey.exportBytes());
    expect(keys!.seqNumber).toBeGreaterThan(0);
  });

  test("protects requests where they are to be, from the number that was announced", () => {
    const messages = make();
    const plain = Uint8Array.from(Buffer.from("<a>"));
    const sent = messages.protect(plain);
    expect(Buffer.isBuffer(sent)).toBe(true);
    if (!protects(requestStream)) {
      expect(sent).toEqual(Buffer.from("<a>"));
      return expect(messages.end()).toBeUndefined();
    }
    const opener = new MessageOpener(REQUESTS, messages.keys!, protection);
    expect(Buffer.from(opener.open(sent).message!).toString()).toBe("<a>");
    const end = messages.end();
    if (!requestStream) return expect(end).toBeUndefined();
    expect(Buffer.isBuffer(end)).toBe(true);
    expect(opener.open(end!).end).toBe(true);
  });

  test("opens responses by the service's subkey, once it is there", () => {
    const messages = make();
    const plain = Buffer.from("<a>");
    expect(messages.open(plain)).toEqual({ end: false, message: plain });
    if (!agreed) return;
    const service = { subkey: makeSubkey(key), seqNumber: 7 };
    messages.answered(service);
    const protector = new MessageProtector(RESPONSES, service, protection);
    if (!protects(responseStream)) {
      expect(messages.open(plain)).toEqual({ end: false, message: plain });
      return expect(messages.checkEnded()).toBeUndefined();
    }
    const opened = messages.open(Buffer.from(protector.protect(plain)));
    expect(Buffer.from(opened.message!).toString()).toBe("<a>");
    if (!responseStream) return expect(messages.checkEnded()).toBeUndefined();
    expect(refusalOf(() => messages.checkEnded()).reason).toBe("KRB_AP_ERR_MODIFIED");
    expect(messages.open(Buffer.from(protector.end())).end).toBe(true);
    expect(messages.checkEnded()).toBeUndefined();
  });

  test("wipes its keys, the client's and the service's", () => {
    const messages = make();
    const wiped = vi.spyOn(Key.prototype, "wipe");
    messages.wipe();
    expect(wiped).toHaveBeenCalledTimes(agreed ? 1 : 0);
    if (agreed) {
      messages.answered({ subkey: makeSubkey(key), seqNumber: 7 });
      messages.wipe();
      expect(wiped).toHaveBeenCalledTimes(3);
    }
    for (const one of wiped.mock.contexts) expect((one as Key).exportBytes()).toEqual(new Uint8Array(32));
    wiped.mockRestore();
  });
});
