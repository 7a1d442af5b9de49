// Requests to a KDC by UDP, so many on their way at a time.
import { createSocket } from "node:dgram";
import { once } from "node:events";

/** How long an answer may take, in milliseconds: on loopback nothing is lost but by a full buffer. */
const PATIENCE_MS = 10_000;

export class UdpConnection {
  #socket;
  #onMessage = () => {};

  static async open(port) {
    const connection = new UdpConnection();
    const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
    connection.#socket = socket;
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.on("message", (bytes) => connection.#onMessage(bytes));
    return connection;
  }

  /** Sends all; resolves when as many were answered. @param onReply told of each answer. */
  send(requests, inFlight, onReply) {
    return new Promise((resolve, reject) => {
      let sent = 0;
      let answered = 0;
      let timer = setTimeout(late, PATIENCE_MS);
      function late() {
        reject(new Error(`krb5kdc: ${sent - answered} answers are missing`));
      }
      this.#onMessage = (bytes) => {
        try {
          onReply(bytes);
        } catch (error) {
          clearTimeout(timer);
          reject(error);
          return;
        }
        if (++answered === requests.length) {
          clearTimeout(timer);
          resolve();
        } else if (sent < requests.length) this.#socket.send(requests[sent++]);
        if (answered % 256 === 0 && answered < requests.length) {
          clearTimeout(timer);
          timer = setTimeout(late, PATIENCE_MS);
        }
      };
      while (sent < Math.min(inFlight, requests.length)) this.#socket.send(requests[sent++]);
    });
  }

  close() {
    this.#socket.close();
  }
}
