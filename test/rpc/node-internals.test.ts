/** What Node keeps private, as this version has it. */
import { once } from "node:events";
import * as http2 from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { startReading, stopReading } from "../../src/rpc/node-internals.js";

test("a connection of HTTP/2 is not read while its socket is stopped, and then all of it", async () => {
  const sockets: Socket[] = [];
  const server = http2.createServer((_, response) => response.end());
  server.on("connection", (socket: Socket) => sockets.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    client.close();
    server.close();
  });
  const call = () => {
    const stream = client.request({ ":path": "/" });
    stream.resume();
    return once(stream, "response");
  };
  await call();
  let streams = 0;
  server.on("stream", () => streams++);
  stopReading(sockets[0]!);
  const late = call();
  // Another connection shows that the server reads meanwhile.
  const other = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => other.close());
  const ping = other.request({ ":path": "/" });
  ping.resume();
  await once(ping, "response");
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  expect(streams).toBe(1);
  startReading(sockets[0]!);
  await late;
  expect(streams).toBe(2);
});

test("a socket without a handle is left alone", () => {
  const socket = createServer();
  stopReading(socket);
  startReading(socket);
  expect(connect).toBeTypeOf("function");
});
