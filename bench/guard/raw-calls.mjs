// Unary gRPC calls that saturate a server: HTTP/2 frames written by hand, before the clock runs. A client of
// grpc-js takes twice as long for a call as the server, one of node:http2 as long, and the server waits.
//
// Of HTTP/2 (RFC 9113) it is as much as that takes: a server that answers each call with headers, one message
// and trailers, and a window that is never full. Of HPACK (RFC 7541): text as it is, and a table of what all
// calls have in common.
import { once } from "node:events";
import { connect } from "node:net";
import { FLAG, FrameReader, frame, PREFACE, SETTING, TYPE } from "../http2-frames.mjs";

const { DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE } = TYPE;
const { ACK, END_STREAM, END_HEADERS } = FLAG;
const MAX_WINDOW = 2 ** 31 - 1;
const DEFAULT_WINDOW = 65_535;
/** `:method: POST` and `:scheme: http` of HPACK's own table. */
const POST_HTTP = Buffer.from([0x83, 0x86]);
/** The last entry of HPACK's own table; what a connection adds follows, the latest first. */
const OWN_TABLE = 61;

/** A connection to a plaintext gRPC server, and its calls of one method. */
export class RawConnection {
  #socket;
  #reader = new FrameReader();
  #literals;
  #indexes;
  #isFirst = true;
  #nextStream = 1;
  /** Bytes of data by stream, of the calls that wait for their answer. */
  #waiting = new Map();
  #onAnswer;
  #onData = () => {};
  #isSettled = false;
  #onSettled = () => {};
  /** What went wrong before the first call was sent. */
  failure;
  #onError = (error) => {
    this.failure ??= error;
  };

  /** @param headers what all calls bring beside what gRPC asks for. */
  static async open(address, path, headers = {}) {
    const connection = new RawConnection();
    const common = {
      ":path": path,
      ":authority": address,
      "content-type": "application/grpc",
      te: "trailers",
    };
    const entries = Object.entries({ ...common, ...headers });
    connection.#literals = Buffer.concat([POST_HTTP, ...entries.map((entry) => literal(0x40, entry))]);
    connection.#indexes = Buffer.from([
      ...POST_HTTP,
      ...entries.map((_, i) => 0x80 | (OWN_TABLE + entries.length - i)),
    ]);
    const [host, port] = address.split(":");
    const socket = connect({ host, port: Number(port), noDelay: true });
    connection.#socket = socket;
    await once(socket, "connect");
    socket.on("data", (bytes) => connection.#receive(bytes));
    socket.on("error", (error) => connection.#onError(error));
    const settings = Buffer.alloc(6);
    settings.writeUInt16BE(SETTING.INITIAL_WINDOW_SIZE, 0);
    settings.writeUInt32BE(MAX_WINDOW, 2);
    const update = Buffer.alloc(4);
    update.writeUInt32BE(MAX_WINDOW - DEFAULT_WINDOW);
    socket.write(
      Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings), frame(WINDOW_UPDATE, 0, 0, update)]),
    );
    return connection;
  }

  /** Resolves once the server has sent its settings, for which clients wait with their first call. */
  settled() {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      if (this.#isSettled) return resolve();
      this.#onSettled = resolve;
      this.#onError = reject;
    });
  }

  /** The frames of one call, for `send`: calls are sent in the order in which they were made. */
  makeCall(request, headers) {
    const common = this.#isFirst ? this.#literals : this.#indexes;
    this.#isFirst = false;
    const own = Object.entries(headers).map((entry) => literal(0, entry));
    const message = Buffer.alloc(5 + request.length);
    message.writeUInt32BE(request.length, 1);
    message.set(request, 5);
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const begin = frame(HEADERS, END_HEADERS, stream, Buffer.concat([common, ...own]));
    return { stream, frames: Buffer.concat([begin, frame(DATA, END_STREAM, stream, message)]) };
  }

  /**
   * Sends calls, `inFlight` at a time. Resolves when all were answered; rejects when one was answered without
   * a message, as errors are.
   * @param onData told of each frame of data: the number of the call's stream, and the bytes.
   */
  send(calls, inFlight, onData = () => {}) {
    if (2 * inFlight * calls[0].frames.length > DEFAULT_WINDOW) throw new RangeError("requests: too large");
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      let sent = 0;
      let answered = 0;
      this.#onError = reject;
      this.#onData = onData;
      this.#onAnswer = () => {
        if (++answered === calls.length) resolve();
        else if (sent < calls.length) this.#begin(calls[sent++]);
      };
      while (sent < Math.min(inFlight, calls.length)) this.#begin(calls[sent++]);
    });
  }

  close() {
    this.#socket.destroy();
  }

  #begin({ stream, frames }) {
    this.#waiting.set(stream, 0);
    this.#socket.write(frames);
  }

  #receive(bytes) {
    this.#socket.cork();
    this.#reader.read(bytes, (type, flags, stream, payload) => this.#take(type, flags, stream, payload));
    this.#socket.uncork();
  }

  #take(type, flags, stream, payload) {
    if (type === DATA) {
      this.#waiting.set(stream, this.#waiting.get(stream) + payload.length);
      this.#onData(stream, payload);
    } else if (type === HEADERS && (flags & END_STREAM) !== 0) {
      if (this.#waiting.get(stream) === 0) this.#onError(new Error("a call was refused"));
      this.#waiting.delete(stream);
      this.#onAnswer();
    } else if ((type === SETTINGS || type === PING) && (flags & ACK) === 0) {
      this.#socket.write(frame(type, ACK, 0, type === PING ? payload : undefined));
      if (type === PING) return;
      this.#isSettled = true;
      this.#onSettled();
    } else if (type === GOAWAY || (type === RST_STREAM && this.#waiting.has(stream)))
      this.#onError(new Error("the server ended the connection or a call"));
  }
}

/** A header in full. @param kind 0x40: it goes into the table; 0: it does not. */
function literal(kind, [name, value]) {
  return Buffer.concat([Buffer.from([kind]), text(name), text(value)]);
}

/** Text, not compressed (RFC 7541 §5.1, §5.2). */
function text(value) {
  const bytes = Buffer.from(value, "latin1");
  const { length } = bytes;
  return Buffer.concat([Buffer.from(length < 127 ? [length] : [127, ...varint(length - 127)]), bytes]);
}

function varint(value) {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
