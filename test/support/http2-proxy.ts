/**
 * A proxy that passes gRPC calls on as they come, from TLS to TLS: who stands in the middle under a name of
 * his own reads all of it.
 *
 *   await using proxy = await startHttp2Proxy({ own, upstream: world.address, ca });
 */
import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";

/** What a proxy is told. */
export interface Http2ProxyOptions {
  /** Its key and certificate. */
  readonly own: { readonly key: Buffer; readonly cert: Buffer };
  /** The server, `host:port`. */
  readonly upstream: string;
  /** The certificate of the server. */
  readonly ca: Buffer;
  /** What becomes of a call's `:authority`; itself by default. */
  readonly authority?: (received: string) => string;
}

/** A proxy that runs until it is disposed of. */
export interface Http2Proxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** The responses that passed, in clear. */
  readonly read: Buffer[];
}

/** Starts a proxy. */
export async function startHttp2Proxy(options: Http2ProxyOptions): Promise<Http2Proxy> {
  const { own, upstream, ca, authority = (received) => received } = options;
  const onward = http2.connect(`https://${upstream}`, { ca, servername: "localhost" });
  const server = http2.createSecureServer({ ...own, allowHTTP1: false });
  const read: Buffer[] = [];
  server.on("stream", (stream, headers) => {
    const changed = { ...headers, ":authority": authority(String(headers[":authority"])) };
    const request = onward.request(changed, { endStream: false });
    stream.pipe(request);
    request.on("response", (response, flags) => {
      // A status alone stays one.
      const endStream = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      stream.respond(response, endStream ? { endStream } : { waitForTrailers: true });
    });
    let trailers: http2.IncomingHttpHeaders = {};
    request.on("trailers", (received) => {
      trailers = received;
    });
    request.on("data", (chunk: Buffer) => read.push(chunk));
    request.pipe(stream, { end: false });
    request.on("end", () => {
      stream.once("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end();
    });
    for (const side of [stream, request]) side.on("error", () => stream.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    read,
    async [Symbol.asyncDispose]() {
      onward.destroy();
      server.close();
    },
  };
}
