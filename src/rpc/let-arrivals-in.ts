/**
 * The orderly end of a server, for those who connect at that very moment. grpc-js closes what listens and the
 * connections together, so that one that has not come to HTTP/2 yet, still in its TLS handshake perhaps,
 * would be cut off with the call that its client has for it. Here a server first listens no more; then it
 * waits for those who are arriving, who are told to go elsewhere as all others are.
 */
import type { Http2Server, ServerHttp2Session } from "node:http2";
import { Server as NetServer, type Socket } from "node:net";
import type * as grpc from "@grpc/grpc-js";
import { onHttp2Server } from "./grpc-js-internals.js";
import { rawSocket } from "./node-internals.js";

/** For how long they are waited for, in milliseconds: a socket that says nothing is not arriving. */
const ARRIVING_MS = 500;

/** On a socket: itself. HTTP/2 shows it behind a proxy, and TLS behind another socket. */
const SELF = Symbol("socket");

/** On a socket: whether it is on its way to HTTP/2. */
const IS_ARRIVING = Symbol("arriving");

interface Marked {
  [SELF]?: Socket;
  [IS_ARRIVING]?: boolean;
}

/** Has `tryShutdown` wait for connections that are on their way to HTTP/2. */
export function letArrivalsIn(server: grpc.Server): void {
  const listening = new Set<Http2Server>();
  let arriving = 0;
  let onArrived = () => {};
  const arrived = (socket: Socket & Marked) => {
    if (socket[IS_ARRIVING] !== true) return;
    socket[IS_ARRIVING] = false;
    if (--arriving === 0) onArrived();
  };
  onHttp2Server(server, (http2Server) => {
    listening.add(http2Server);
    http2Server.once("close", () => listening.delete(http2Server));
    http2Server.on("connection", (socket: Socket) => {
      (socket as Marked)[SELF] = socket;
      (socket as Marked)[IS_ARRIVING] = true;
      arriving++;
      socket.once("close", () => arrived(socket));
    });
    http2Server.on("session", (session: ServerHttp2Session) => {
      const socket = (rawSocket(session.socket) as Marked)[SELF];
      if (socket !== undefined) session.once("remoteSettings", () => arrived(socket));
    });
  });
  const shutDown = server.tryShutdown;
  server.tryShutdown = (told) => {
    // Not by the server's own `close`, which grpc-js calls in its time.
    for (const http2Server of listening) NetServer.prototype.close.call(http2Server);
    if (arriving === 0) return shutDown.call(server, told);
    const end = () => {
      onArrived = () => {};
      clearTimeout(late);
      shutDown.call(server, told);
    };
    const late = setTimeout(end, ARRIVING_MS);
    onArrived = end;
  };
}
