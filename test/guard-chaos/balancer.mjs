// A layer-4 balancer: each connection goes to some process of the service and stays there. It sees the bytes
// that pass, and keeps those of the clients.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { AnswerReader, readCapture } from "./frames.mjs";

/** Passes connections on, from one port for each channel of the clients. */
export class Balancer {
  /** When connections broke because their process died: `{ door, at }`, the port of the channel. */
  broken = [];
  /** When connections ended, whatever the cause. */
  ended = [];
  connections = 0;
  /** How often something happened on them. */
  goaways = 0;
  maxAges = 0;
  atTheWindow = 0;
  beyondTheWindow = 0;
  /** The connections by the ports that they come from, as the processes see it. */
  byPort = new Map();
  #isBusy;
  #processes;
  #onCaptured;
  #servers = [];
  #open = new Set();

  /**
   * @param onCaptured told what the client sent on a connection, when that is over.
   * @param isBusy whether so much is waiting to be replayed that clients wait for their connections.
   */
  constructor(processes, onCaptured, isBusy) {
    this.#isBusy = isBusy;
    this.#processes = processes;
    this.#onCaptured = onCaptured;
  }

  /** Opens doors. Resolves to their ports. */
  async listen(doors) {
    for (let i = 0; i < doors; i++) {
      const server = createServer((socket) => this.#connect(socket, server.address().port));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      this.#servers.push(server);
    }
    return this.#servers.map((server) => server.address().port);
  }

  /**
   * What clients have sent to the process at a port over connections that are open, up to the first call that
   * it has not answered yet: what it has not read, it might rightly take from anybody.
   */
  sentTo(port) {
    return [...this.#open]
      .filter((connection) => connection.port === port)
      .map(({ chunks, answers, number }) => ({
        ...readCapture(Buffer.concat(chunks), (stream) => answers.ended.has(stream)),
        number,
      }));
  }

  /** Resolves when every client has gone. */
  async drain() {
    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  close() {
    for (const server of this.#servers) server.close();
  }

  #connect(socket, door) {
    const { ports } = this.#processes;
    const port = ports[Math.floor(Math.random() * ports.length)];
    if (port === undefined || this.#isBusy()) {
      setTimeout(() => this.#connect(socket, door), 20);
      return;
    }
    const onward = connect(port, "127.0.0.1");
    const onRefused = () => this.#connect(socket, door);
    onward.once("error", onRefused);
    onward.once("connect", () => {
      onward.off("error", onRefused);
      this.#pass(socket, onward, { door, port, chunks: [], answers: new AnswerReader() });
    });
  }

  #pass(socket, onward, connection) {
    connection.number = ++this.connections;
    this.byPort.set(onward.localPort, `connection ${connection.number}`);
    this.#open.add(connection);
    socket.setNoDelay();
    onward.setNoDelay();
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      const { door, port } = connection;
      this.ended.push({ door, at: Date.now() });
      if (!this.#processes.ports.includes(port)) this.broken.push({ door, at: Date.now() });
      this.#open.delete(connection);
      const { saidGoaway, isTooOld } = connection.answers;
      this.goaways += saidGoaway;
      this.maxAges += isTooOld;
      const capture = readCapture(Buffer.concat(connection.chunks));
      this.atTheWindow += capture.atTheWindow;
      this.beyondTheWindow += capture.beyondTheWindow;
      this.#onCaptured({ ...capture, number: connection.number });
    };
    socket.on("data", (bytes) => {
      connection.chunks.push(bytes);
      if (!onward.write(bytes)) {
        socket.pause();
        onward.once("drain", () => socket.resume());
      }
    });
    onward.on("data", (bytes) => connection.answers.add(bytes));
    onward.pipe(socket);
    socket.on("end", () => onward.end());
    for (const side of [socket, onward]) {
      side.on("error", () => {});
      side.on("close", () => {
        end();
        socket.destroy();
        onward.destroy();
      });
    }
  }
}
