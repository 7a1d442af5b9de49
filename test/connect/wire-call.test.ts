/** The wire below the guard: a real HTTP/2 server, and a client that sends frames by hand. */
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { envelope } from "../../src/connect/envelopes.js";
import { WireCall } from "../../src/connect/wire-call.js";

type Listener = Parameters<WireCall["start"]>[0];

/** Whoever hears of a call, and what they heard; the test waits for it in order. */
class Heard implements Listener {
  readonly #all: string[] = [];
  #wake = () => {};

  constructor(readonly call: WireCall) {}

  onReceiveMetadata(metadata: grpc.Metadata): void {
    this.#hear(`metadata ${metadata.get("x-own")}`);
  }
  onReceiveMessage(message: Buffer): void {
    this.#hear(`message ${message}`);
  }
  onReceiveHalfClose(): void {
    this.#hear("half close");
  }
  onCancel(): void {
    this.#hear("cancel");
  }

  /** Everything so far. */
  get all(): readonly string[] {
    return this.#all;
  }

  /** Resolves when this was heard. */
  async until(what: string): Promise<void> {
    while (!this.#all.includes(what))
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
  }

  #hear(what: string): void {
    this.#all.push(what);
    this.#wake();
  }
}

async function open(maxBytes = 1000) {
  const heard: Heard[] = [];
  let came = () => {};
  const server = http2.createServer((request, response) => {
    const metadata = new grpc.Metadata();
    metadata.set("x-own", String(request.headers["x-own"]));
    const call = new WireCall({ request, response, metadata, maxBytes });
    const listener = new Heard(call);
    heard.push(listener);
    call.start(listener);
    came();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return {
    session,
    /** Begins a call. */
    async call(headers: http2.OutgoingHttpHeaders = {}) {
      const arrived = new Promise<void>((resolve) => {
        came = resolve;
      });
      const stream = session.request({
        ":method": "POST",
        ":path": "/x.X/X",
        "content-type": "application/grpc+proto",
        "x-own": "mine",
        ...headers,
      });
      stream.on("error", () => {});
      const answer = answerOf(stream);
      await arrived;
      return { stream, answer, heard: heard.at(-1)! };
    },
    async [Symbol.asyncDispose]() {
      session.destroy();
      server.close();
    },
  };
}

/** The answer, when its stream has closed. */
function answerOf(stream: http2.ClientHttp2Stream) {
  const chunks: Buffer[] = [];
  let headers: http2.IncomingHttpHeaders = {};
  let ended = false;
  let trailers: http2.IncomingHttpHeaders | undefined;
  stream.on("response", (received, flags) => {
    headers = received;
    ended = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise<{
    headers: http2.IncomingHttpHeaders;
    trailersOnly: boolean;
    trailers: http2.IncomingHttpHeaders | undefined;
    body: Buffer;
    rst: number | undefined;
  }>((resolve) =>
    stream.on("close", () =>
      resolve({ headers, trailersOnly: ended, trailers, body: Buffer.concat(chunks), rst: stream.rstCode }),
    ),
  );
}

const status = (code: grpc.status, details = "") => ({ code, details, metadata: new grpc.Metadata() });

test("requests come one by one, each when it is asked for, and then their end", async () => {
  await using wire = await open();
  const { stream, heard, answer } = await wire.call();
  stream.end(Buffer.concat(["one", "two", "three"].map((text) => envelope(Buffer.from(text)))));
  expect(heard.all).toEqual(["metadata mine"]);
  for (const text of ["one", "two", "three"]) {
    heard.call.startRead();
    await heard.until(`message ${text}`);
  }
  expect(heard.all).toEqual(["metadata mine", "message one", "message two", "message three"]);
  heard.call.startRead();
  await heard.until("half close");
  heard.call.sendStatus(status(grpc.status.OK));
  expect((await answer).headers).toMatchObject({ "grpc-status": "0" });
});

test("an answer is headers, messages and trailers, and its end is heard of once", async () => {
  await using wire = await open();
  const { stream, heard, answer } = await wire.call();
  stream.end();
  const metadata = new grpc.Metadata();
  metadata.add("x-many", "1");
  metadata.add("x-many", "2");
  heard.call.sendMetadata(metadata);
  heard.call.sendMetadata(metadata);
  await new Promise<void>((resolve) => heard.call.sendMessage(Buffer.from("hello"), resolve));
  const trailer = new grpc.Metadata();
  trailer.set("x-own-bin", Buffer.from([0, 1]));
  heard.call.sendStatus({ code: grpc.status.NOT_FOUND, details: "50 % of “it” #1", metadata: trailer });
  heard.call.sendStatus(status(grpc.status.OK));
  const { headers, trailers, trailersOnly, body } = await answer;
  expect(headers).toMatchObject({
    ":status": 200,
    "content-type": "application/grpc+proto",
    "x-many": "1, 2",
  });
  expect(trailersOnly).toBe(false);
  expect(body).toEqual(envelope(Buffer.from("hello")));
  expect(trailers).toMatchObject({
    "grpc-status": "5",
    "grpc-message": "50%20%25%20of%20%E2%80%9Cit%E2%80%9D%20#1",
    "x-own-bin": "AAE=",
  });
  await heard.until("cancel");
  await new Promise<void>((resolve) => heard.call.sendMessage(Buffer.from("late"), resolve));
  heard.call.sendMetadata(metadata);
  expect(heard.all.filter((what) => what === "cancel")).toHaveLength(1);
});

test("a status with nothing before it is one block of headers, and stops an upload", async () => {
  await using wire = await open();
  const { stream, heard, answer } = await wire.call();
  stream.write(envelope(Buffer.alloc(500)));
  heard.call.sendStatus(status(grpc.status.PERMISSION_DENIED, "no"));
  const { headers, trailersOnly, trailers, rst } = await answer;
  expect(headers).toMatchObject({ ":status": 200, "grpc-status": "7", "grpc-message": "no" });
  expect({ trailersOnly, trailers, rst }).toEqual({ trailersOnly: true, trailers: undefined, rst: 0 });
  await heard.until("cancel");
});

test("an upload that goes on after the trailers is stopped too", async () => {
  await using wire = await open();
  const { stream, heard, answer } = await wire.call();
  stream.write(envelope(Buffer.alloc(500)));
  heard.call.sendMetadata(new grpc.Metadata());
  heard.call.sendStatus(status(grpc.status.OK));
  expect(await answer).toMatchObject({ trailers: { "grpc-status": "0" }, rst: 0 });
});

test.each([
  ["compressed", "0100000000", grpc.status.UNIMPLEMENTED],
  ["too large", "00000003e9", grpc.status.RESOURCE_EXHAUSTED],
  ["cut short", "000000000207", grpc.status.INTERNAL],
])("a request that is %s ends the call, unread", async (_, hex, code) => {
  await using wire = await open();
  const { stream, heard, answer } = await wire.call();
  heard.call.startRead();
  stream.end(Buffer.from(hex, "hex"));
  expect((await answer).headers).toMatchObject({ "grpc-status": String(code) });
  await heard.until("cancel");
  expect(heard.all).toEqual(["metadata mine", "cancel"]);
});

test("a client that goes away is heard of, and nothing is sent to it", async () => {
  await using wire = await open();
  const { stream, heard } = await wire.call();
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await heard.until("cancel");
  heard.call.sendMetadata(new grpc.Metadata());
  heard.call.sendStatus(status(grpc.status.OK));
  expect(heard.all).toEqual(["metadata mine", "cancel"]);
});

test("it says who calls and under which name, and knows no deadline", async () => {
  await using wire = await open();
  const { heard } = await wire.call({ ":authority": "api.example.test:443" });
  expect(heard.call.getHost()).toBe("api.example.test:443");
  expect(heard.call.getPeer()).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(heard.call.getConnectionInfo()).toMatchObject({ remoteAddress: "127.0.0.1" });
  expect(heard.call.getAuthContext()).toEqual({});
  expect(heard.call.getDeadline()).toBe(Number.POSITIVE_INFINITY);
  expect(() => heard.call.getMetricsRecorder()).toThrow(TypeError);
});
