import { gzipSync } from "node:zlib";
import { toBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { connectRaw, frame } from "./raw-client.js";
import { serve } from "./test-service.js";

const say = "/tessera.test.v1.TestService/Say";
const count = "/tessera.test.v1.TestService/Count";
const sum = "/tessera.test.v1.TestService/Sum";
const echo = "/tessera.test.v1.TestService/Echo";
const message = toBinary(StringValueSchema, { $typeName: "google.protobuf.StringValue", value: "hello" });
const NO_ERROR = 0;

const LIMIT = { unaryMs: 30, firstMessageMs: 30 };

for (const path of [say, count, sum, echo]) {
  test(`half a message and then silence is ended by the server, its half as well: ${path}`, async () => {
    await using running = await serve({}, { limits: LIMIT });
    using raw = connectRaw(running.port);
    const call = raw.call(path);
    call.stream.write(frame(message).subarray(0, 7));
    const { headers, rstCode } = await call.ended;
    expect(headers).toMatchObject({ "grpc-status": String(status.DEADLINE_EXCEEDED) });
    expect(rstCode).toBe(NO_ERROR);
  });
}

test("a call of which only headers come is ended by the server", async () => {
  await using running = await serve({}, { limits: LIMIT });
  using raw = connectRaw(running.port);
  const { headers } = await raw.call(say).ended;
  expect(headers).toMatchObject({ "grpc-status": String(status.DEADLINE_EXCEEDED) });
});

test("a unary handler that takes too long is ended, and its signal says so", async () => {
  let resolve!: (reason: unknown) => void;
  const aborted = new Promise<unknown>((settle) => {
    resolve = settle;
  });
  await using running = await serve(
    {
      say: (_request, context) =>
        new Promise(() => {
          context.signal.addEventListener("abort", () => resolve(context.signal.reason));
        }),
    },
    { limits: { unaryMs: 30 } },
  );
  await expect(running.client.say("hello")).rejects.toMatchObject({
    name: "RpcError",
    code: status.DEADLINE_EXCEEDED,
    message: "the server ended the call: the call took longer than 30 ms",
  });
  expect(await aborted).toMatchObject({ code: status.CANCELLED });
});

test("a unary handler without a limit may last, once its request has come", async () => {
  const limits = { unaryMs: Number.POSITIVE_INFINITY, firstMessageMs: 30 };
  await using running = await serve(
    {
      say: async () => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return { value: "late" };
      },
    },
    { limits },
  );
  expect(await running.client.say("hello")).toMatchObject({ value: "late" });
  using raw = connectRaw(running.port);
  const { headers } = await raw.call(say).ended;
  expect(headers).toMatchObject({
    "grpc-status": String(status.DEADLINE_EXCEEDED),
    "grpc-message": encodeURI("the server ended the call: the first message took longer than 30 ms"),
  });
});

test("a server stream that has its request may last", async () => {
  await using running = await serve(
    {
      async *count() {
        yield { value: 1 };
        await new Promise((resolve) => setTimeout(resolve, 40));
        yield { value: 2 };
      },
    },
    { limits: { firstMessageMs: 20, unaryMs: 20, idleStreamMs: 20 } },
  );
  const values: number[] = [];
  for await (const { value } of running.client.count(2)) values.push(value);
  expect(values).toEqual([1, 2]);
});

test("a stream of requests without messages in either direction is ended, trailers and all", async () => {
  await using running = await serve({}, { limits: { idleStreamMs: 30 } });
  using raw = connectRaw(running.port);
  const call = raw.call(echo);
  call.stream.write(frame(message));
  const { headers, rstCode } = await call.ended;
  expect(headers).toMatchObject({ "grpc-status": String(status.DEADLINE_EXCEEDED) });
  expect(rstCode).toBe(NO_ERROR);
});

test("a call refused before its request is complete is closed, not left half open", async () => {
  await using running = await serve({
    async *echo() {
      yield { value: "only one" };
    },
  });
  using raw = connectRaw(running.port);
  const call = raw.call(echo);
  call.stream.write(frame(message).subarray(0, 7));
  const { headers, rstCode } = await call.ended;
  expect(headers).toMatchObject({ "grpc-status": String(status.OK) });
  expect(rstCode).toBe(NO_ERROR);
});

test("a message above the limit is refused by its length alone, and the call closed", async () => {
  await using running = await serve();
  using raw = connectRaw(running.port);
  const call = raw.call(say);
  call.stream.write(frame(new Uint8Array(20_000)).subarray(0, 100));
  const { headers } = await call.ended;
  expect(headers).toMatchObject({ "grpc-status": String(status.RESOURCE_EXHAUSTED) });
});

test("compression is refused and not offered", async () => {
  await using running = await serve();
  using raw = connectRaw(running.port);
  const compressed = raw.call(say, { "grpc-encoding": "gzip" });
  compressed.stream.end(frame(gzipSync(message), true));
  expect((await compressed.ended).headers).toMatchObject({
    "grpc-status": String(status.UNIMPLEMENTED),
    "grpc-accept-encoding": "identity",
  });
  const plain = raw.call(say);
  plain.stream.end(frame(message));
  expect((await plain.ended).headers).toMatchObject({
    "grpc-status": String(status.OK),
    "grpc-accept-encoding": "identity",
  });
});
