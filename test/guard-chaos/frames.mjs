// HTTP/2's frames, as far as it takes to send a captured connection again, and to count what happened on it
// (RFC 9113 §4.1, §6).

const PREFACE_BYTES = 24;
const HEADER_BYTES = 9;
const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const END_STREAM = 1;
const ACK = 1;
/** A stream's window at the beginning, in bytes (RFC 9113 §6.9.2). */
const WINDOW = 65_535;
/** What grpc-js says in the GOAWAY of a connection that is too old. */
const MAX_AGE = "max_age";

/** The whole frames at the beginning of `bytes`; the rest begins at `end`. */
function framesIn(bytes, start = 0) {
  const frames = [];
  let at = start;
  while (at + HEADER_BYTES <= bytes.length) {
    const end = at + HEADER_BYTES + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    frames.push({ type: bytes[at + 3], flags: bytes[at + 4], stream, bytes: bytes.subarray(at, end) });
    at = end;
  }
  return { frames, end: at };
}

const endsStream = ({ type, flags }) => (type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0;

/**
 * What a client sent on one connection, ready to be sent again.
 * @param isTaken whether a stream may be sent. The first that may not is the last whose headers are read:
 *   those that follow lean on its own (RFC 7541 §2.3.2).
 */
export function readCapture(bytes, isTaken = () => true) {
  const { frames } = framesIn(bytes, PREFACE_BYTES);
  const streams = new Set();
  const ended = new Set();
  const kept = [bytes.subarray(0, PREFACE_BYTES)];
  const sent = new Map();
  let isCut = false;
  for (const frame of frames) {
    isCut ||= frame.type === HEADERS && !isTaken(frame.stream);
    if (frame.type === HEADERS && !isCut) streams.add(frame.stream);
    if (frame.type === GOAWAY || (frame.stream !== 0 && !streams.has(frame.stream))) continue;
    kept.push(frame.bytes);
    if (frame.type === DATA)
      sent.set(frame.stream, (sent.get(frame.stream) ?? 0) + frame.bytes.length - HEADER_BYTES);
    if (endsStream(frame)) ended.add(frame.stream);
    if (frame.type === RST_STREAM) ended.delete(frame.stream);
  }
  return {
    bytes: Buffer.concat(kept),
    /** How many calls it holds. */
    calls: streams.size,
    /** The streams that were ended and not cancelled: each must be answered. */
    ended,
    /** Calls whose requests ended within a byte of a stream's window, and those that went beyond it. */
    atTheWindow: [...sent.values()].filter((size) => Math.abs(size - WINDOW) <= 1).length,
    beyondTheWindow: [...sent.values()].filter((size) => size > WINDOW).length,
  };
}

/** A PING that nobody else sends: its answer says that all before it was read. */
export function ping() {
  const frame = Buffer.alloc(HEADER_BYTES + 8, 0x5a);
  frame.set([0, 0, 8, PING, 0, 0, 0, 0, 0]);
  return frame;
}

/** Reads what a server sends: which streams it has ended, and whether it has answered the ping. */
export class AnswerReader {
  /** The streams that ended. */
  ended = new Set();
  pinged = false;
  /** Whether the server has said goodbye, and because the connection was too old. */
  saidGoaway = false;
  isTooOld = false;
  #rest = Buffer.alloc(0);

  add(chunk) {
    const bytes = Buffer.concat([this.#rest, chunk]);
    const { frames, end } = framesIn(bytes);
    this.#rest = bytes.subarray(end);
    for (const frame of frames) {
      if (endsStream(frame) || frame.type === RST_STREAM) this.ended.add(frame.stream);
      if (frame.type === PING && (frame.flags & ACK) !== 0 && frame.bytes[HEADER_BYTES] === 0x5a)
        this.pinged = true;
      if (frame.type === GOAWAY) {
        this.saidGoaway = true;
        this.isTooOld ||= frame.bytes.subarray(HEADER_BYTES + 8).toString() === MAX_AGE;
      }
    }
  }
}
