/** A client below gRPC's rules, on node:http2: half messages, compressed ones, calls that never end. */
import * as http2 from "node:http2";

/** What came back on a stream, at its end. */
export interface RawAnswer {
  /** Headers and trailers together. */
  readonly headers: Record<string, string>;
  /** How the stream was closed: an HTTP/2 error code. */
  readonly rstCode: number;
}

/** A raw stream and its outcome. */
export interface RawCall {
  readonly stream: http2.ClientHttp2Stream;
  readonly ended: Promise<RawAnswer>;
}

/** A connection. */
export interface RawClient extends Disposable {
  /** Resolves when the server's settings are known: before, a client may open a hundred streams. */
  readonly settings: Promise<void>;
  call(path: string, headers?: Record<string, string>): RawCall;
}

/** Connects to a server without TLS. */
export function connectRaw(port: number): RawClient {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  const settings = new Promise<void>((resolve) => void session.once("remoteSettings", () => resolve()));
  return {
    settings,
    call(path, headers = {}) {
      const stream = session.request(
        { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...headers },
        { endStream: false },
      );
      const seen: Record<string, string> = {};
      stream.on("response", (response) => Object.assign(seen, response));
      stream.on("trailers", (trailers) => Object.assign(seen, trailers));
      stream.on("error", () => {});
      stream.resume();
      const ended = new Promise<RawAnswer>((resolve) => {
        stream.on("close", () => resolve({ headers: seen, rstCode: stream.rstCode }));
      });
      return { stream, ended };
    },
    [Symbol.dispose]() {
      session.destroy();
    },
  };
}

/** A message in its gRPC frame. */
export function frame(message: Uint8Array, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
