/** Messages of a call under a session's keys (session.proto): what binds them to their call and direction. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { ProtectedMessageSchema } from "../../src/gen/kerberos/v1/guard_pb.js";
import type { Protection } from "../../src/protocol/call-binding.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { REQUESTS, RESPONSES, type SessionMessageKeys } from "../../src/protocol/message-keys.js";
import { MessageOpener, MessageProtector } from "../../src/protocol/message-protection.js";
import { deriveSessionKeys } from "../../src/protocol/session-keys.js";
import { expectRefusal } from "./refusal.js";

const text = (value: string) => Uint8Array.from(Buffer.from(value));
const session = deriveSessionKeys({
  clientSubkey: randomKey(etypeOf(20)),
  serviceSubkey: randomKey(etypeOf(20)),
  id: text("0123456789abcdef"),
  apReq: text("an AP-REQ"),
  apRep: text("an AP-REP"),
});
const client = (call: number): SessionMessageKeys => ({
  checksums: session.clientMessages,
  seal: session.clientSeal,
  call,
});
const service = (call: number): SessionMessageKeys => ({
  checksums: session.serviceMessages,
  seal: session.serviceSeal,
  call,
});
const sender = (protection: Protection, keys = client(7)) => new MessageProtector(REQUESTS, keys, protection);
const receiver = (protection: Protection, keys = client(7)) => new MessageOpener(REQUESTS, keys, protection);

describe.each(["integrity", "privacy"] as const)("a session's messages at %s", (protection) => {
  const forged = protection === "privacy" ? "KRB_AP_ERR_BAD_INTEGRITY" : "KRB_AP_ERR_MODIFIED";

  test("pass in order, up to the end", () => {
    const [from, to] = [sender(protection), receiver(protection)];
    for (const value of ["a", "", "a longer one".repeat(10_000)])
      expect(to.open(from.protect(text(value)))).toEqual({ kind: "message", message: text(value) });
    expect(to.open(from.end())).toEqual({ kind: "end", message: undefined });
    expect(() => to.checkEnded()).not.toThrow();
  });

  test("are refused with any bit changed", () => {
    const bytes = sender(protection).protect(text("a message"));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expectRefusal(() => receiver(protection).open(changed), forged, {});
    }
  });

  test("are refused in another call of the session", () => {
    const bytes = sender(protection, client(7)).protect(text("a"));
    for (const other of [0, 1, 8, 7 + 2 ** 32, 2 ** 53 - 1])
      expectRefusal(() => receiver(protection, client(other)).open(bytes), "KRB_AP_ERR_MODIFIED", {
        field: "request",
      });
  });

  test("are refused sent back: each direction has keys of its own", () => {
    const bytes = sender(protection).protect(text("a"));
    const back = new MessageOpener(RESPONSES, service(7), protection);
    expectRefusal(() => back.open(bytes), forged, {});
    const sameKind = new MessageOpener(REQUESTS, service(7), protection);
    expectRefusal(() => sameKind.open(bytes), forged, {});
  });

  test("begin at 1, whoever counts otherwise", () => {
    const [first, second] = [sender(protection), sender(protection)];
    first.protect(text("lost"));
    expectRefusal(() => receiver(protection).open(first.protect(text("b"))), "KRB_AP_ERR_BADORDER", {
      expected: "1",
      got: "2",
    });
    expect(receiver(protection).open(second.protect(text("a"))).message).toEqual(text("a"));
  });

  test("are refused under a subkey, and a subkey's under a session", () => {
    const subkey = randomKey(etypeOf(20));
    const oneShot = { subkey, seqNumber: 1 };
    const bytes = new MessageProtector(REQUESTS, oneShot, protection).protect(text("a"));
    expectRefusal(() => receiver(protection).open(bytes), forged, {});
    const underSession = sender(protection, { ...client(7), seal: subkey }).protect(text("a"));
    const opener = new MessageOpener(REQUESTS, oneShot, protection);
    expectRefusal(() => opener.open(underSession), "KRB_AP_ERR_MODIFIED", { field: "request" });
  });
});

test("a message under a checksum: 16 bytes of a MAC over the call's number and the message before it", () => {
  const bytes = sender("integrity", client(2 ** 40 + 5)).protect(text("a"));
  const { $typeName: _, checksum, ...rest } = fromBinary(ProtectedMessageSchema, bytes);
  expect(rest).toEqual({ message: text("a"), seqNumber: 1, kind: 0 });
  const covered = toBinary(ProtectedMessageSchema, create(ProtectedMessageSchema, rest));
  const number = Uint8Array.of(0, 0, 1, 0, 0, 0, 0, 5);
  expect(checksum).toEqual(session.clientMessages.mac(number, covered));
  expect(checksum).toHaveLength(16);
});
