/** A server that takes connections and never says a word. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** Where it listens, what resolves when somebody has connected, and its end. */
export interface SilentServer {
  readonly address: string;
  readonly connected: Promise<void>;
  close(): void;
}

/** Starts one. */
export async function startSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  let tell = () => {};
  const connected = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    tell();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connected,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
