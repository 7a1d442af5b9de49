/** What a call came over and what it asks for, as admission is told of it: text, bytes and a certificate. */
import type { ServerHttp2Stream } from "node:http2";
import type * as grpc from "@grpc/grpc-js";
import { http2Stream } from "../../rpc/grpc-js-internals.js";
import { plainAddress } from "../../rpc/network-address.js";
import type { ReceivedCall } from "./admission.js";

type Method = Parameters<grpc.ServerInterceptor>[0];

/**
 * A call as it was received.
 * @param request the single request as it travelled; undefined where requests are a stream.
 * @param withCertificate whether admission looks at the client's certificate; reading it costs as much as the
 *   checks.
 */
export function receivedCall(
  call: grpc.ServerInterceptingCallInterface,
  { path, requestStream, responseStream }: Method,
  request: Uint8Array | undefined,
  withCertificate: boolean,
): ReceivedCall {
  const { remoteAddress, localAddress } = call.getConnectionInfo();
  const addressless = remoteAddress === undefined && localAddress === undefined;
  return {
    method: path,
    requestStream,
    responseStream,
    request,
    authority: call.getHost(),
    peerAddress: remoteAddress === undefined ? undefined : plainAddress(remoteAddress),
    ...(addressless && isOpen(http2Stream(call)) && { unixSocket: true }),
    certificate: withCertificate ? call.getAuthContext().sslPeerCertificate : undefined,
  };
}

/** Whether a connection is open: one that was torn down has no addresses any more, wherever it came from. */
function isOpen(stream: ServerHttp2Stream | undefined): boolean {
  return stream?.session?.destroyed === false && !stream.session.socket.destroyed;
}
