/** HTTP as Connect's client sees it, over a grpc-js client and the interceptors on it. */
import { type EventEmitter, once } from "node:events";
import type { DescMethod } from "@bufbuild/protobuf";
import type { UniversalClientFn, UniversalClientRequest } from "@connectrpc/connect/protocol";
import type * as grpc from "@grpc/grpc-js";
import { onAbort } from "../rpc/on-abort.js";
import { identity } from "../rpc/service-definition.js";
import { toBuffer } from "../rpc/to-buffer.js";
import { envelope, messagesOf } from "./envelopes.js";
import { addMetadata, metadataOf } from "./headers.js";

type Kind = DescMethod["methodKind"];

/** A call on its way. */
interface StartedCall {
  readonly call: grpc.Call;
  readonly responses: AsyncIterable<Buffer>;
  readonly status: Promise<grpc.StatusObject>;
}

/**
 * Makes calls of one kind: what a proof covers depends on it, and HTTP does not tell.
 * @param maxBytes the largest request, in bytes.
 */
export function httpOverChannel(client: grpc.Client, kind: Kind, maxBytes: number): UniversalClientFn {
  return async (request) => {
    const requests = messagesOf(request.body ?? nothing(), maxBytes);
    const { call, responses, status } = await start(client, kind, request, requests);
    const cancel = () => call.cancel();
    if (request.signal !== undefined) void status.then(onAbort(request.signal, cancel));
    if (request.signal?.aborted === true) cancel();
    const header = new Headers({ "content-type": "application/grpc+proto" });
    const trailer = new Headers();
    const body = bodyOf(responses, status, trailer, cancel);
    return new Promise((resolve) => {
      const answer = () => resolve({ status: 200, header, body, trailer });
      call.once("metadata", (metadata: grpc.Metadata) => {
        addMetadata(header, metadata);
        answer();
      });
      // A call that was refused has no initial metadata.
      void status.then(answer);
    });
  };
}

/** The responses, and then the status among the trailers. */
async function* bodyOf(
  responses: AsyncIterable<Buffer>,
  status: Promise<grpc.StatusObject>,
  trailer: Headers,
  cancel: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const response of responses) yield envelope(response);
  } catch {
    // A call fails by its status, which follows.
  } finally {
    cancel();
  }
  const { code, details, metadata } = await status;
  trailer.set("grpc-status", String(code));
  trailer.set("grpc-message", encodeURIComponent(details));
  addMetadata(trailer, metadata);
}

/** Starts a call; a single request is read first. */
async function start(
  client: grpc.Client,
  kind: Kind,
  { url, header }: UniversalClientRequest,
  requests: AsyncGenerator<Buffer>,
): Promise<StartedCall> {
  const path = new URL(url).pathname;
  const metadata = metadataOf(header);
  const options = { deadline: deadlineOf(header.get("grpc-timeout")) };
  if (kind === "unary") {
    const request = await single(requests);
    const { answered, responses } = singleResponse();
    const call = client.makeUnaryRequest(path, identity, identity, request, metadata, options, answered);
    return { call, responses, status: statusOf(call) };
  }
  if (kind === "server_streaming") {
    const request = await single(requests);
    const call = client.makeServerStreamRequest(path, identity, identity, request, metadata, options);
    return { call, responses: call, status: statusOf(call) };
  }
  if (kind === "client_streaming") {
    const { answered, responses } = singleResponse();
    const call = client.makeClientStreamRequest(path, identity, identity, metadata, options, answered);
    const status = statusOf(call);
    void pump(requests, call, status);
    return { call, responses, status };
  }
  const call = client.makeBidiStreamRequest(path, identity, identity, metadata, options);
  const status = statusOf(call);
  void pump(requests, call, status);
  return { call, responses: call, status };
}

/** Writes requests as fast as they are taken, until the call is over. Never rejects. */
async function pump(
  requests: AsyncGenerator<Buffer>,
  call: grpc.ClientWritableStream<Buffer> | grpc.ClientDuplexStream<Buffer, Buffer>,
  status: Promise<grpc.StatusObject>,
): Promise<void> {
  let isOver = false;
  const over = status.then(() => {
    isOver = true;
  });
  try {
    for await (const request of requests) {
      if (isOver) return;
      if (!call.write(request)) await Promise.race([once(call, "drain"), over]);
    }
    if (!isOver) call.end();
  } catch {
    call.cancel();
  }
}

async function single(requests: AsyncGenerator<Buffer>): Promise<Buffer> {
  const { value, done } = await requests.next();
  if (done === true) throw new TypeError("body: expected a request, got none");
  return toBuffer(value);
}

/** A single response as grpc-js's callback gives it, and as a stream of one. */
function singleResponse() {
  let answered!: grpc.requestCallback<Buffer>;
  const response = new Promise<Buffer | undefined>((resolve) => {
    answered = (_, answer) => resolve(answer);
  });
  async function* responses(): AsyncGenerator<Buffer> {
    const answer = await response;
    if (answer !== undefined) yield answer;
  }
  return { answered, responses: responses() };
}

function statusOf(call: EventEmitter): Promise<grpc.StatusObject> {
  call.on("error", () => {}); // the status says the same
  return new Promise((resolve) => call.once("status", resolve));
}

/** A moment from gRPC's `grpc-timeout` (PROTOCOL-HTTP2, "Timeout"); Infinity without one. */
function deadlineOf(timeout: string | null): number {
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(timeout ?? "") ?? [];
  if (amount === undefined) return Number.POSITIVE_INFINITY;
  const ms = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }[unit as "H"];
  return Date.now() + Number(amount) * ms;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
