/** What a call came over and what it asks for, as admission is told of it: text, bytes and a certificate. */

import type { ServerHttp2Stream } from "node:http2";
import type * as grpc from "@grpc/grpc-js";
import { messageSha256 } from "../../protocol/call-binding.js";
import { http2Stream } from "../../rpc/grpc-js-internals.js";
import { plainAddress } from "../../rpc/network-address.js";
import type { Peer, ReceivedCall } from "./received-call.js";

type Method = Parameters<grpc.ServerInterceptor>[0];

/**
 * What is known of open connections, by their HTTP/2 sessions, without and with a certificate: asking costs
 * as much as the checks.
 */
const bare = new WeakMap<object, Peer>();
const certified = new WeakMap<object, Peer>();

/**
 * Who calls, as far as the connection says: the same object for all calls on one.
 * @param withCertificate whether admission looks at the client's certificate.
 */
export function peerOf(call: grpc.ServerInterceptingCallInterface, withCertificate: boolean): Peer {
  const stream = http2Stream(call);
  const session = stream?.session;
  const peers = withCertificate ? certified : bare;
  const known = session && peers.get(session);
  if (known !== undefined) return known;
  const { remoteAddress, localAddress } = call.getConnectionInfo();
  const addressless = remoteAddress === undefined && localAddress === undefined;
  const peer: Peer = {
    peerAddress: remoteAddress === undefined ? undefined : plainAddress(remoteAddress),
    unixSocket: addressless && isOpen(stream),
    secure: session?.encrypted === true,
    certificate: withCertificate ? call.getAuthContext().sslPeerCertificate : undefined,
  };
  if (session && isOpen(stream)) peers.set(session, peer);
  return peer;
}

/**
 * A call as it was received.
 * @param request the single request as it travelled; undefined where requests are a stream.
 * @param idempotent whether its method may run twice.
 */
export function receivedCall(
  call: grpc.ServerInterceptingCallInterface,
  { path, requestStream, responseStream }: Method,
  request: Uint8Array | undefined,
  idempotent: boolean,
): ReceivedCall {
  return {
    method: path,
    requestStream,
    responseStream,
    requestSha256: request === undefined ? undefined : messageSha256(request),
    authority: call.getHost(),
    idempotent,
  };
}

/** Whether a connection is open: one that was torn down has no addresses any more, wherever it came from. */
function isOpen(stream: ServerHttp2Stream | undefined): boolean {
  return stream?.session?.destroyed === false && !stream.session.socket.destroyed;
}
