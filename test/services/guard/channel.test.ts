/** What admission is told of a call. */
import { describe, expect, test, vi } from "vitest";
import { receivedCall } from "../../../src/services/guard/channel.js";
import { AUTHORITY, methodOf, openCall } from "./by-hand.js";

const REQUEST = Buffer.from("<hello>");
const certificate = { subject: { CN: "alice" } };

const tell = (options: Parameters<typeof openCall>[0], kind: Parameters<typeof methodOf>[0] = "say") =>
  receivedCall(openCall(options).below as never, methodOf(kind) as never, REQUEST, false);

test("is its method, its authority, its bytes and where it came from", () => {
  expect(tell({ remoteAddress: "192.0.2.1" })).toEqual({
    method: "/chat.v1.Chat/say",
    requestStream: false,
    responseStream: false,
    request: REQUEST,
    authority: AUTHORITY,
    peerAddress: "192.0.2.1",
    certificate: undefined,
  });
  expect(tell({}, "list")).toMatchObject({ requestStream: false, responseStream: true });
  expect(tell({}, "join")).toMatchObject({ requestStream: true, responseStream: false });
});

describe("the address", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    [undefined, undefined],
  ])("of a socket that says %s is %s", (remoteAddress, peerAddress) => {
    expect(tell({ remoteAddress }).peerAddress).toBe(peerAddress);
  });
});

test("the certificate is read where it is looked at, and else not", () => {
  const { below } = openCall({ certificate });
  const read = vi.spyOn(below, "getAuthContext");
  const method = methodOf("say") as never;
  expect(receivedCall(below as never, method, REQUEST, false).certificate).toBeUndefined();
  expect(read).not.toHaveBeenCalled();
  expect(receivedCall(below as never, method, REQUEST, true).certificate).toBe(certificate);
});
