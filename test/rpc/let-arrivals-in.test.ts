/**
 * Who connects while a server ends comes to HTTP/2 and is sent elsewhere, over TLS too; nobody is cut off.
 */
import { once } from "node:events";
import * as http2 from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { Entrance } from "../../src/rpc/entrance/entrance.js";
import { makeServer } from "../../src/rpc/server-options.js";
import { HAS_OPENSSL, makeTls } from "../support/wire-tls.js";

// However slow this machine is, their time does not run out.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

async function serve(credentials = grpc.ServerCredentials.createInsecure()) {
  const entrance = new Entrance();
  const server = makeServer({ entrance });
  const port = await promisify(server.bindAsync.bind(server))("127.0.0.1:0", credentials);
  onTestFinished(() => server.forceShutdown());
  return { entrance, port, end: promisify(server.tryShutdown.bind(server)) };
}

/** A socket that the server knows of, and has heard nothing from. */
async function dial({ entrance, port }: { entrance: Entrance; port: number }): Promise<Socket> {
  const before = entrance.connections;
  const socket = connect({ port, host: "127.0.0.1" });
  onTestFinished(() => void socket.destroy());
  while (entrance.connections === before) await new Promise(setImmediate);
  return socket;
}

/**
 * Begins HTTP/2 over a socket; resolves when the server has sent its settings, and then that it goes away.
 */
async function begin(socket: Socket): Promise<void> {
  const session = http2.connect("http://localhost", { createConnection: () => socket });
  onTestFinished(() => session.destroy());
  const away = once(session, "goaway");
  await once(session, "remoteSettings");
  expect((await away)[0]).toBe(http2.constants.NGHTTP2_NO_ERROR);
}

test("a socket that was about to begin HTTP/2 does", async () => {
  const serving = await serve();
  const socket = await dial(serving);
  const ended = serving.end();
  await begin(socket);
  await ended;
});

test.skipIf(!HAS_OPENSSL)("a socket that was about to begin TLS does", async () => {
  const tls = makeTls();
  const serving = await serve(tls.server);
  const socket = await dial(serving);
  const ended = serving.end();
  await begin(
    connectTls({ socket, ca: tls.ca, servername: "localhost", ALPNProtocols: ["h2"] }) as unknown as Socket,
  );
  await ended;
});

test("nobody new is let in meanwhile", async () => {
  const serving = await serve();
  const socket = await dial(serving);
  const ended = serving.end();
  const late = connect({ port: serving.port, host: "127.0.0.1" });
  expect((await once(late, "error"))[0]).toMatchObject({ code: "ECONNREFUSED" });
  socket.destroy();
  await ended;
});

test("a server with nobody at its door ends as ever, also a second time", async () => {
  const { end } = await serve();
  await Promise.all([end(), end()]);
  await end();
});
