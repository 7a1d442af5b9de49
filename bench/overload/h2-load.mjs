// Load by raw HTTP/2 frames: an open loop over many connections, whose clients behave well. Each keeps to the
// streams that the server allows, counts a call from when it was due, and resets it when its deadline passes.
import { connect } from "node:net";
import { FLAG, FrameReader, frame, PREFACE, SETTING, TYPE } from "../http2-frames.mjs";

const { DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE } = TYPE;
const { ACK, END_STREAM, END_HEADERS } = FLAG;

/** A literal header field, with indexing: the name by its number in the table, or as text. */
function literal(name, value) {
  const text = (bytes) => Buffer.concat([Buffer.of(bytes.length), Buffer.from(bytes)]);
  const key =
    typeof name === "number" ? Buffer.of(0x40 | name) : Buffer.concat([Buffer.of(0x40), text(name)]);
  return Buffer.concat([key, text(value)]);
}

/** The header block of a connection's first call, and of all others, which refer to it. */
export function headerBlocks(path, deadlineMs) {
  const first = Buffer.concat([
    Buffer.of(0x83, 0x86),
    literal(4, path),
    literal(1, "localhost"),
    literal(31, "application/grpc"),
    literal("te", "trailers"),
    literal("grpc-timeout", `${deadlineMs}m`),
  ]);
  return { first, later: Buffer.of(0x83, 0x86, 0x80 | 66, 0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62) };
}

/** One connection of a client that behaves well. */
class Connection {
  constructor(load, host) {
    this.load = load;
    this.host = host;
    this.due = [];
    this.open = new Map();
    this.connect();
  }

  connect() {
    this.next = 1;
    this.allowed = 100;
    this.reader = new FrameReader();
    this.isClosed = false;
    this.isReady = false;
    this.out = [];
    this.socket = connect({ port: this.load.port, host: "127.0.0.1", localAddress: this.host });
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.close());
    this.socket.on("data", (bytes) => this.read(bytes));
    const window = Buffer.alloc(4);
    window.writeUInt32BE(2 ** 30);
    this.socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), frame(WINDOW_UPDATE, 0, 0, window)]));
  }

  /** Its calls are over, and those of the next second; then it connects again, as gRPC's clients do. */
  close() {
    this.isClosed = true;
    this.load.counts.broken += this.open.size + this.due.length;
    this.open.clear();
    this.due = [];
    if (!this.load.isOver) setTimeout(() => this.load.isOver || this.connect(), 800 + 400 * Math.random());
  }

  /** Sends what is due and may be sent, and gives up what is late. */
  tick(now) {
    if (this.isClosed) {
      this.load.counts.broken += this.due.length;
      this.due = [];
      return;
    }
    const { deadlineMs, counts } = this.load;
    for (const [id, { began }] of this.open) {
      if (now - began < deadlineMs) break;
      this.open.delete(id);
      counts.late++;
      this.out.push(frame(RST_STREAM, 0, id, Buffer.of(0, 0, 0, 8)));
    }
    let late = 0;
    while (late < this.due.length && now - this.due[late] >= deadlineMs) late++;
    if (late > 0) {
      this.due.splice(0, late);
      counts.unsent += late;
    }
    this.send();
  }

  send() {
    if (this.isClosed) return;
    let sent = 0;
    while (sent < this.due.length && this.open.size < this.allowed && this.isReady) {
      const began = this.due[sent++];
      const id = this.next;
      this.next += 2;
      this.open.set(id, { began, isAnswered: false });
      const { first, later } = this.load.blocks;
      this.out.push(frame(HEADERS, END_HEADERS, id, id === 1 ? first : later));
      this.out.push(frame(DATA, END_STREAM, id, this.load.message()));
      this.load.counts.sent++;
    }
    if (sent > 0) this.due.splice(0, sent);
    if (this.out.length === 0) return;
    this.socket.write(Buffer.concat(this.out));
    this.out = [];
  }

  read(bytes) {
    this.reader.read(bytes, (type, flags, id, payload) => this.take(type, flags, id, payload));
    this.send();
  }

  take(type, flags, id, payload) {
    if (type === SETTINGS && !(flags & ACK)) {
      this.isReady = true;
      for (let at = 0; at + 6 <= payload.length; at += 6)
        if (payload.readUInt16BE(at) === SETTING.MAX_CONCURRENT_STREAMS)
          this.allowed = payload.readUInt32BE(at + 2);
      this.out.push(frame(SETTINGS, ACK, 0));
    } else if (type === PING && !(flags & ACK)) this.out.push(frame(PING, ACK, 0, payload));
    else if (type === GOAWAY) this.load.counts.goaway++;
    else if (type === DATA && this.open.has(id)) this.open.get(id).isAnswered = true;
    else if (type === RST_STREAM && this.open.delete(id)) this.load.counts.broken++;
    else if (type === HEADERS && flags & END_STREAM && this.open.has(id)) {
      const { began, isAnswered } = this.open.get(id);
      this.open.delete(id);
      if (isAnswered) {
        this.load.counts.served++;
        this.load.latencies.push(performance.now() - began);
      } else this.load.counts.refused++;
    }
  }
}

/** Load of one kind of call. */
export class Load {
  /** @param message gives the next message, framed for gRPC. @param hosts the addresses it comes from. */
  constructor({ port, path, deadlineMs, connections, message, hosts = ["127.0.0.1"] }) {
    this.port = port;
    this.deadlineMs = deadlineMs;
    this.blocks = headerBlocks(path, deadlineMs);
    this.message = message;
    this.isOver = false;
    this.reset();
    this.connections = Array.from(
      { length: connections },
      (_, i) => new Connection(this, hosts[i % hosts.length]),
    );
  }

  /** Resolves when all have the server's settings, or ten seconds later. */
  async connected() {
    const end = performance.now() + 10_000;
    while (performance.now() < end && !this.connections.every(({ isReady }) => isReady))
      await new Promise((resolve) => setTimeout(resolve, 50));
  }

  reset() {
    this.counts = { due: 0, sent: 0, served: 0, refused: 0, late: 0, unsent: 0, broken: 0, goaway: 0 };
    this.latencies = [];
  }

  /** Calls come at this rate for so long, each on the next connection. */
  async offer(perSecond, ms) {
    const began = performance.now();
    let offered = 0;
    for (let now = began; now < began + ms; now = performance.now()) {
      const due = Math.floor(((now - began) / 1000) * perSecond);
      // A generator that was held up offers no flood afterwards.
      offered = Math.max(offered, due - Math.ceil(perSecond / 10));
      for (; offered < due; offered++) {
        this.connections[offered % this.connections.length].due.push(now);
        this.counts.due++;
      }
      for (const connection of this.connections) connection.tick(now);
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  }

  /** So many calls are always under way on each connection: what the server can do. */
  async saturate(each, ms) {
    const end = performance.now() + ms;
    for (let now = performance.now(); now < end; now = performance.now()) {
      for (const connection of this.connections) {
        while (connection.due.length + connection.open.size < each) connection.due.push(now);
        connection.tick(now);
      }
      await new Promise(setImmediate);
    }
  }

  close() {
    this.isOver = true;
    for (const { socket } of this.connections) socket.destroy();
  }
}
