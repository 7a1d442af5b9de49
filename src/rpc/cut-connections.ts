/**
 * A server's end by force. grpc-js 1.14.7 knows the connections of a server only where channelz is on;
 * without it `forceShutdown` leaves them open, and whoever waits for an answer waits on until its deadline.
 */
import { constants, type ServerHttp2Session } from "node:http2";
import type * as grpc from "@grpc/grpc-js";
import { Chain } from "../collections/chain.js";
import { onHttp2Server } from "./grpc-js-internals.js";

/** Has `forceShutdown` end the server's connections, and with them the calls that run. */
export function cutConnectionsByForce(server: grpc.Server): void {
  const sessions = new Chain<ServerHttp2Session>();
  onHttp2Server(server, (http2Server) =>
    http2Server.on("session", (session) => {
      const open = sessions.add(session);
      session.once("close", () => sessions.remove(open));
    }),
  );
  const shutDown = server.forceShutdown;
  server.forceShutdown = () => {
    shutDown.call(server);
    for (const session of sessions) session.destroy(undefined, constants.NGHTTP2_CANCEL);
  };
}
