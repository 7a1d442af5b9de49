// A client of HTTP/2 that keeps no rule: its own frames over net (RFC 9113 §4, RFC 7541 §6).
import { connect } from "node:net";

import { FLAG, FrameReader, frame, PREFACE, SETTING, TYPE } from "../http2-frames.mjs";

/**
 * A header field without indexing, its name as text.
 * @param {string} name
 * @param {string} value
 */
export function field(name, value) {
  return Buffer.concat([Buffer.of(0), text(name), text(value)]);
}

/** @param {string} value */
function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([length(bytes.length), bytes]);
}

/** A length below 2^21, in a prefix of seven bits. @param {number} value */
function length(value) {
  if (value < 127) return Buffer.of(value);
  const rest = value - 127;
  if (rest < 128) return Buffer.of(127, rest);
  if (rest < 16_384) return Buffer.of(127, (rest & 127) | 128, rest >> 7);
  return Buffer.of(127, (rest & 127) | 128, ((rest >> 7) & 127) | 128, rest >> 14);
}

/**
 * The header block of a call.
 * @param {string} path
 * @param {Readonly<Record<string, string>>} more
 */
export function callHeaders(path, more = {}) {
  const headers = { ":method": "POST", ":scheme": "http", ":path": path, ":authority": "localhost" };
  const all = { ...headers, "content-type": "application/grpc", te: "trailers", ...more };
  return Buffer.concat(Object.entries(all).map(([name, value]) => field(name, value)));
}

/** @param {number} value */
export function uint32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A message in its gRPC frame. @param {Buffer} message @param {boolean} isCompressed */
export function grpcMessage(message, isCompressed = false) {
  return Buffer.concat([Buffer.of(isCompressed ? 1 : 0), uint32(message.length), message]);
}

/** A connection, and what came back on it. */
export class Attacker {
  /** Frames that came, by type. @type {Record<number, number>} */
  seen = {};
  /** Streams that the server has ended. */
  ended = new Set();
  /** Bytes of DATA that came. */
  bytes = 0;
  isClosed = false;
  #reader = new FrameReader();
  #next = 1;

  /**
   * @param {number} port
   * @param {{ host?: string, window?: number, isSilent?: boolean }} how
   */
  constructor(port, { host = "127.0.0.1", window, isSilent = false } = {}) {
    this.socket = connect({ port, host: "127.0.0.1", localAddress: host });
    this.connected = new Promise((resolve) => void this.socket.once("connect", resolve));
    this.closed = new Promise((resolve) => void this.socket.once("close", resolve));
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
    });
    this.socket.on("data", (bytes) =>
      this.#reader.read(bytes, (type, flags, stream, payload) => this.#frame(type, flags, stream, payload)),
    );
    if (isSilent) return;
    const setting = window === undefined ? [] : [Buffer.of(0, SETTING.INITIAL_WINDOW_SIZE), uint32(window)];
    this.send(PREFACE, frame(TYPE.SETTINGS, 0, 0, Buffer.concat(setting)));
  }

  /** Sends as it is. @param {...Buffer} frames @returns whether the socket takes more at once. */
  send(...frames) {
    return !this.isClosed && this.socket.write(Buffer.concat(frames));
  }

  /** Waits until what was sent is with the system, or the connection is over. */
  async flushed() {
    while (!this.isClosed && this.socket.writableLength > 0) await new Promise((go) => setTimeout(go, 1));
  }

  /** The number of a new stream. */
  stream() {
    const id = this.#next;
    this.#next += 2;
    return id;
  }

  /**
   * Begins a call. @param {string} path @param {Readonly<Record<string, string>>} more @returns its stream.
   */
  begin(path, more = {}) {
    const id = this.stream();
    this.send(frame(TYPE.HEADERS, FLAG.END_HEADERS, id, callHeaders(path, more)));
    return id;
  }

  destroy() {
    this.socket.destroy();
  }

  /** @param {number} type @param {number} flags @param {number} stream @param {Buffer} payload */
  #frame(type, flags, stream, payload) {
    this.seen[type] = (this.seen[type] ?? 0) + 1;
    if (type === TYPE.DATA) this.bytes += payload.length;
    const isEnd = (type === TYPE.DATA || type === TYPE.HEADERS) && (flags & FLAG.END_STREAM) !== 0;
    if (isEnd || type === TYPE.RST_STREAM) this.ended.add(stream);
    if (type === TYPE.SETTINGS && !(flags & FLAG.ACK)) this.send(frame(TYPE.SETTINGS, FLAG.ACK, 0));
    if (type === TYPE.PING && !(flags & FLAG.ACK)) this.send(frame(TYPE.PING, FLAG.ACK, 0, payload));
  }
}
