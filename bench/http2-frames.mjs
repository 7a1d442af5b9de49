// Frames of HTTP/2 (RFC 9113 §4, §6), written and read by hand, for clients that node:http2 would hold up.

/** What a client sends first. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const TYPE = Object.freeze({
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
});
export const FLAG = Object.freeze({ ACK: 1, END_STREAM: 1, END_HEADERS: 4 });
export const SETTING = Object.freeze({ MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4 });
const HEAD_BYTES = 9;

/**
 * One frame.
 * @param {number} type
 * @param {number} flags
 * @param {number} stream
 */
export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, HEAD_BYTES);
  return bytes;
}

/** Reads whatever has come, frame by frame. */
export class FrameReader {
  #rest = Buffer.alloc(0);

  /**
   * @param {Buffer} bytes
   * @param {(type: number, flags: number, stream: number, payload: Buffer) => void} take told of each frame
   *   that is whole.
   */
  read(bytes, take) {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (all.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + all.readUIntBE(at, 3);
      if (end > all.length) break;
      take(
        all[at + 3] ?? 0,
        all[at + 4] ?? 0,
        all.readUInt32BE(at + 5) & 0x7fffffff,
        all.subarray(at + HEAD_BYTES, end),
      );
      at = end;
    }
    this.#rest = all.subarray(at);
  }
}
