/** What admission is told of a call. */
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test, vi } from "vitest";
import { sha256 } from "../../../src/crypto/hash.js";
import { peerOf, receivedCall } from "../../../src/services/guard/channel.js";
import type { Peer } from "../../../src/services/guard/received-call.js";
import { HAS_OPENSSL, makeTls } from "../../support/wire-tls.js";
import { AUTHORITY, methodOf, openCall } from "./by-hand.js";
import { refusalOf } from "./proof.js";
import { openWorld, type WorldOptions } from "./world.js";

const REQUEST = Buffer.from("<hello>");
const certificate = { subject: { CN: "alice" } };

const tell = (options: Parameters<typeof openCall>[0], kind: Parameters<typeof methodOf>[0] = "say") =>
  receivedCall(openCall(options).below as never, methodOf(kind) as never, REQUEST, false);
const peer = (options: Parameters<typeof openCall>[0]) => peerOf(openCall(options).below as never, false);

test("is its method, its authority, the digest of its bytes", () => {
  expect(tell({})).toEqual({
    method: "/chat.v1.Chat/say",
    requestStream: false,
    responseStream: false,
    requestSha256: sha256(REQUEST),
    authority: AUTHORITY,
    idempotent: false,
  });
  expect(tell({}, "list")).toMatchObject({ requestStream: false, responseStream: true });
  expect(tell({}, "join")).toMatchObject({ requestStream: true, responseStream: false });
});

test("comes from a peer: its address, over a connection that is encrypted or not", () => {
  expect(peer({ remoteAddress: "192.0.2.1" })).toEqual({
    peerAddress: "192.0.2.1",
    unixSocket: false,
    secure: false,
    certificate: undefined,
  });
});

describe("the address", () => {
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1"],
    [undefined, undefined],
  ])("of a socket that says %s is %s", (remoteAddress, peerAddress) => {
    expect(peer({ remoteAddress }).peerAddress).toBe(peerAddress);
  });
});

test("a connection is encrypted where it says so", () => {
  expect(peer({ remoteAddress: "192.0.2.1", secure: true })).toMatchObject({
    peerAddress: "192.0.2.1",
    secure: true,
  });
  expect(peer({ remoteAddress: undefined })).toMatchObject({ unixSocket: true, secure: false });
});

describe("over a socket", () => {
  const look = async (options: WorldOptions, secure: boolean) => {
    const peers: Peer[] = [];
    const before: grpc.ServerInterceptor = (_, call) => {
      peers.push(peerOf(call, false));
      return new grpc.ServerInterceptingCall(call);
    };
    await using world = await openWorld({ ...options, before: [before] });
    const channelOptions = { "grpc.ssl_target_name_override": "localhost" };
    await refusalOf(world.client({ interceptors: [], channelOptions }).say("hello"));
    expect(peers).toEqual([{ peerAddress: "127.0.0.1", unixSocket: false, secure, certificate: undefined }]);
  };

  test("without TLS, a connection is not encrypted", () => look({}, false));

  test.runIf(HAS_OPENSSL)("with TLS, it is", () => {
    const { server, client } = makeTls();
    return look({ credentials: server, channel: client }, true);
  });
});

test("the certificate is read where it is looked at, and else not", () => {
  const { below } = openCall({ certificate });
  const read = vi.spyOn(below, "getAuthContext");
  expect(peerOf(below as never, false).certificate).toBeUndefined();
  expect(read).not.toHaveBeenCalled();
  expect(peerOf(below as never, true).certificate).toBe(certificate);
});
