import { getDefaultHighWaterMark } from "node:stream";
import * as grpc from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { KrbError } from "../../src/protocol/krb-error.js";
import type { RpcError } from "../../src/rpc/rpc-error.js";
import { MAX_MESSAGE_BYTES, makeServer } from "../../src/rpc/server-options.js";
import { addService, type HandlerContext } from "../../src/rpc/server-runtime.js";
import { fromServiceError, INTERNAL_TEXT } from "../../src/rpc/status.js";
import { connectRaw, frame } from "./raw-client.js";
import { plain, serve, TestService } from "./test-service.js";

/** A promise and what settles it. */
function pending<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function all<T>(messages: AsyncIterable<{ value: T }>): Promise<T[]> {
  const values: T[] = [];
  for await (const message of messages) values.push(message.value);
  return values;
}

/** The abort reason of a handler's signal. */
function aborted({ signal }: HandlerContext): Promise<RpcError> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener("abort", () => resolve(signal.reason));
  });
}

const raw = (bytes: Buffer) => bytes;
const malformed = Buffer.from([0x0a, 0x7f, 0x41]); // a field of 127 bytes, one of which is there

describe("messages", () => {
  test("all four kinds of call carry them both ways", async () => {
    await using running = await serve();
    const { client } = running;
    expect((await client.say("hello")).value).toBe("hello");
    expect(await all(client.count(3))).toEqual([1, 2, 3]);
    expect((await client.sum([{ value: 1 }, { value: 2 }, { value: 39 }])).value).toBe(42);
    expect(await all(client.echo([{ value: "a" }, { value: "b" }]))).toEqual(["a", "b"]);
    expect(running.logged).toEqual([]);
  });

  test("a stream may have none, and a message no fields", async () => {
    await using running = await serve();
    const { client } = running;
    expect((await client.say("")).value).toBe("");
    expect(await all(client.count(0))).toEqual([]);
    expect((await client.sum([])).value).toBe(0);
    expect(await all(client.echo([]))).toEqual([]);
  });

  test("a malformed request is INVALID_ARGUMENT, names the message, and reaches no handler", async () => {
    await using running = await serve({
      say: async () => {
        throw new Error("reached");
      },
    });
    const client = new grpc.Client(running.address, grpc.credentials.createInsecure());
    const error = await new Promise<unknown>((resolve) => {
      client.makeUnaryRequest("/tessera.test.v1.TestService/Say", raw, raw, malformed, resolve);
    });
    client.close();
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(fromServiceError(error)).toMatchObject({
      reason: "KRB_ERR_GENERIC",
      message: "malformed request: not a google.protobuf.StringValue",
      details: { message: "google.protobuf.StringValue" },
    });
    expect(running.logged).toEqual([]);
  });

  test.each(["Sum", "Echo"])("a malformed one within a stream likewise: %s", async (method) => {
    await using running = await serve();
    const client = new grpc.Client(running.address, grpc.credentials.createInsecure());
    const error = await new Promise<unknown>((resolve) => {
      const call = client.makeBidiStreamRequest(`/tessera.test.v1.TestService/${method}`, raw, raw);
      call.on("error", resolve).resume();
      call.write(Buffer.alloc(0));
      call.write(malformed);
    });
    client.close();
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(fromServiceError(error)).toMatchObject({ reason: "KRB_ERR_GENERIC" });
  });

  test("interceptors see them as the bytes that travel", async () => {
    const seen: Buffer[] = [];
    await using running = await serve(
      {},
      {
        interceptors: [
          (_method, call) =>
            new grpc.ServerInterceptingCall(call, {
              start: (next) =>
                next({
                  onReceiveMessage: (message, nextMessage) => {
                    seen.push(message);
                    nextMessage(message);
                  },
                }),
              sendMessage: (message, next) => {
                seen.push(message);
                next(message);
              },
            }),
        ],
      },
    );
    await running.client.say("hi");
    expect(seen.map((message) => message.toString("hex"))).toEqual(["0a026869", "0a026869"]);
  });
});

describe("refusals and failures", () => {
  const refuse = () => new KrbError("KRB_AP_ERR_REPEAT", "authenticator seen before", { age: "3 s" });

  test("a handler's KrbError arrives as it was thrown, from every kind of call", async () => {
    await using running = await serve({
      say: async () => {
        throw refuse();
      },
      async *count() {
        yield { value: 1 };
        throw refuse();
      },
      sum: async () => {
        throw refuse();
      },
      async *echo(requests) {
        for await (const request of requests) {
          if (request.value === "y") throw refuse();
          yield { value: request.value };
        }
      },
    });
    const { client } = running;
    const expected = {
      reason: "KRB_AP_ERR_REPEAT",
      message: "authenticator seen before",
      details: { age: "3 s" },
    };
    const calls = [
      () => client.say("x"),
      () => all(client.count(2)),
      () => client.sum([{ value: 1 }]),
      () => all(client.echo([{ value: "x" }, { value: "y" }])),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject(expected);
    expect(running.logged).toEqual([]);
  });

  test("what was sent before a stream's refusal arrives before it", async () => {
    await using running = await serve({
      async *count() {
        yield { value: 1 };
        yield { value: 2 };
        throw refuse();
      },
    });
    const got: number[] = [];
    const reading = (async () => {
      for await (const { value } of running.client.count(9)) got.push(value);
    })();
    await expect(reading).rejects.toMatchObject({ reason: "KRB_AP_ERR_REPEAT" });
    expect(got).toEqual([1, 2]);
  });

  test("any other exception is INTERNAL with a fixed text; its cause reaches the log alone", async () => {
    const secret = new TypeError("key 0123456789abcdef does not fit");
    await using running = await serve({
      say: () => {
        throw secret; // before there is a promise
      },
      count: () => {
        throw secret;
      },
      sum: async () => {
        throw secret;
      },
      async *echo() {
        yield* [];
        throw secret;
      },
    });
    const { client } = running;
    const trailers: unknown[] = [];
    const options = { onTrailers: (metadata: grpc.Metadata) => trailers.push(metadata.getMap()) };
    const internal = { name: "RpcError", code: status.INTERNAL, message: INTERNAL_TEXT };
    await expect(client.say("x", options)).rejects.toMatchObject(internal);
    await expect(all(client.count(1, options))).rejects.toMatchObject(internal);
    await expect(client.sum([], options)).rejects.toMatchObject(internal);
    await expect(all(client.echo([], options))).rejects.toMatchObject(internal);
    expect(running.logged.map(({ error }) => error)).toEqual([secret, secret, secret, secret]);
    expect(running.logged[0]?.context.method).toBe("/tessera.test.v1.TestService/Say");
    expect(JSON.stringify(trailers)).not.toMatch(/key|TypeError/);
  });

  test("a response that is no such message is INTERNAL, and for the log", async () => {
    await using running = await serve({
      async *count() {
        yield { value: "many" } as never;
      },
    });
    await expect(all(running.client.count(1))).rejects.toMatchObject({ code: status.INTERNAL });
    expect(running.logged.length).toBe(1);
  });

  test("a log out of order costs no call its status", async () => {
    await using running = await serve(
      {
        say: async () => {
          throw new Error("x");
        },
      },
      {
        service: {
          onInternalError: () => {
            throw new Error("disk full");
          },
        },
      },
    );
    await expect(running.client.say("x")).rejects.toMatchObject({
      code: status.INTERNAL,
      message: INTERNAL_TEXT,
    });
  });

  test("a service lacking a handler is not added", () => {
    const { echo: _, ...rest } = plain;
    expect(() => addService(makeServer(), TestService, rest as typeof plain)).toThrow(
      new TypeError("tessera.test.v1.TestService: expected a handler echo, got undefined"),
    );
  });
});

describe("a handler's context", () => {
  test("tells who calls what, and until when", async () => {
    const asked = pending<HandlerContext>();
    await using running = await serve({
      async say(request, context) {
        asked.resolve(context);
        return { value: request.value };
      },
    });
    const metadata = new grpc.Metadata();
    metadata.set("color", "blue");
    const deadline = Date.now() + 5000;
    await running.client.say("x", { metadata, deadline });
    const context = await asked.promise;
    expect(context.method).toBe("/tessera.test.v1.TestService/Say");
    expect(context.authority).toBe(running.address);
    expect(context.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(context.metadata.get("color")).toEqual(["blue"]);
    expect(Math.abs(context.deadline!.getTime() - deadline)).toBeLessThan(1000);
    expect(context.signal.aborted).toBe(false);
  });

  test("holds the very metadata object that interceptors pass on", async () => {
    const callers = new WeakMap<grpc.Metadata, string>();
    await using running = await serve(
      { say: async (_request, context) => ({ value: callers.get(context.metadata) ?? "nobody" }) },
      {
        interceptors: [
          (_method, call) =>
            new grpc.ServerInterceptingCall(call, {
              start: (next) =>
                next({
                  onReceiveMetadata: (metadata, nextMetadata) => {
                    callers.set(metadata, "alice");
                    nextMetadata(metadata);
                  },
                }),
            }),
        ],
      },
    );
    expect((await running.client.say("who?")).value).toBe("alice");
  });

  test("sends headers and trailers with every kind of call, trailers with a refusal too", async () => {
    const mark = (context: HandlerContext) => {
      context.headers.set("head", "1");
      context.trailers.set("trail", "2");
    };
    await using running = await serve({
      async say(request, context) {
        mark(context);
        if (request.value === "") throw new KrbError("KDC_ERR_POLICY", "no");
        return { value: "x" };
      },
      async *count(_request, context) {
        mark(context);
        yield { value: 1 };
      },
      async sum(_requests, context) {
        mark(context);
        return { value: 1 };
      },
      async *echo(_requests, context) {
        mark(context);
        context.sendHeaders();
        yield { value: "x" };
      },
    });
    const { client } = running;
    for (const call of [
      (options: object) => client.say("x", options),
      (options: object) => all(client.count(1, options)),
      (options: object) => client.sum([], options),
      (options: object) => all(client.echo([], options)),
    ]) {
      const seen: Record<string, unknown> = {};
      await call({
        onHeaders: (metadata: grpc.Metadata) => Object.assign(seen, { head: metadata.get("head") }),
        onTrailers: (metadata: grpc.Metadata) => Object.assign(seen, { trail: metadata.get("trail") }),
      });
      expect(seen).toEqual({ head: ["1"], trail: ["2"] });
    }
    await expect(client.say("")).rejects.toMatchObject({ reason: "KDC_ERR_POLICY" });
    const refused: unknown[] = [];
    const onTrailers = (metadata: grpc.Metadata) => refused.push(metadata.get("trail"));
    await client.say("", { onTrailers }).catch(() => {});
    expect(refused).toEqual([["2"]]);
  });
});

describe("the end of a call", () => {
  test("the client's cancel aborts the signal; what the handler then says is no error to log", async () => {
    const started = pending<void>();
    const told = pending<RpcError>();
    await using running = await serve({
      async say(_request, context) {
        started.resolve();
        told.resolve(await aborted(context));
        throw context.signal.reason;
      },
    });
    const controller = new AbortController();
    const call = running.client.say("x", { signal: controller.signal });
    await started.promise;
    controller.abort();
    await expect(call).rejects.toMatchObject({ code: status.CANCELLED });
    expect(await told.promise).toMatchObject({ name: "RpcError", code: status.CANCELLED });
    expect(running.logged).toEqual([]);
  });

  test("the client's deadline aborts the signal", async () => {
    const reason = pending<RpcError>();
    await using running = await serve({
      async *count(_request, context) {
        yield { value: 1 };
        reason.resolve(await aborted(context));
      },
    });
    // A client that does not end the call itself when its time is up: grpc-js's would, and might be first.
    using patient = connectRaw(running.port);
    const call = patient.call("/tessera.test.v1.TestService/Count", { "grpc-timeout": "500m" });
    call.stream.end(frame(new Uint8Array()));
    expect(await reason.promise).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    const { headers } = await call.ended;
    expect(headers).toMatchObject({ "grpc-status": String(status.DEADLINE_EXCEEDED) });
  });

  test("a client that leaves a stream ends its generator", async () => {
    const left = pending<string>();
    await using running = await serve({
      async *count() {
        try {
          for (let value = 1; ; value++) yield { value };
        } finally {
          left.resolve("finally");
        }
      },
    });
    for await (const { value } of running.client.count(1)) if (value === 3) break;
    expect(await left.promise).toBe("finally");
  });

  test("a client that does not read holds the producer until its deadline, of which it reads", async () => {
    let produced = 0;
    const freed = pending<void>();
    const held = getDefaultHighWaterMark(true); // what grpc-js holds for a call, in messages
    // `held` of them are more than the windows on the way take.
    const value = "x".repeat(MAX_MESSAGE_BYTES - 16);
    await using running = await serve({
      async *echo() {
        try {
          for (;;) {
            produced++;
            yield { value };
          }
        } finally {
          freed.resolve();
        }
      },
    });
    using unread = connectRaw(running.port);
    const call = unread.call("/tessera.test.v1.TestService/Echo", { "grpc-timeout": "500m" });
    call.stream.pause();
    await freed.promise;
    expect(produced).toBe(held);
    call.stream.resume();
    const { headers } = await call.ended;
    expect(headers).toMatchObject({ "grpc-status": String(status.DEADLINE_EXCEEDED) });
    expect((await running.client.say("still there")).value).toBe("still there");
    expect(running.logged).toEqual([]);
  });

  test("a bidirectional call may end before its requests do", async () => {
    await using running = await serve({
      async *echo(requests) {
        for await (const request of requests) {
          yield { value: request.value };
          return;
        }
      },
    });
    async function* endless() {
      for (;;) yield { value: "again" };
    }
    expect(await all(running.client.echo(endless()))).toEqual(["again"]);
  });

  test("a call with a stream of requests may be answered before they end", async () => {
    await using running = await serve({ sum: async () => ({ value: 7 }) });
    const stopped = pending<string>();
    async function* slow() {
      try {
        yield { value: 1 };
        await new Promise(() => {});
      } finally {
        stopped.resolve("finally");
      }
    }
    expect((await running.client.sum(slow())).value).toBe(7);
  });

  test("shutdown ends streams with UNAVAILABLE and lets unary calls finish", async () => {
    const shutdown = new AbortController();
    const begun = pending<void>();
    const go = pending<void>();
    await using running = await serve(
      {
        async say(request) {
          begun.resolve();
          await go.promise;
          return { value: request.value };
        },
        async *count() {
          yield { value: 1 };
          await new Promise(() => {}); // deaf to its signal
        },
        sum: () => new Promise(() => {}),
      },
      {
        service: { shutdown: shutdown.signal },
        client: { channelOptions: { "grpc.enable_retries": 0 } },
      },
    );
    const { client, server } = running;
    const unary = client.say("finish me");
    const summing = client.sum([{ value: 1 }]);
    const summed = expect(summing).rejects.toMatchObject({ code: status.UNAVAILABLE });
    const echoing = client.echo(forever());
    await echoing.next();
    const counting = client.count(1);
    await counting.next();
    await begun.promise;
    shutdown.abort();
    const down = { code: status.UNAVAILABLE, message: "the server is shutting down" };
    await expect(counting.next()).rejects.toMatchObject(down);
    await expect(echoing.next()).rejects.toMatchObject(down);
    await summed;
    await expect(all(client.count(1))).rejects.toMatchObject(down);
    const finished = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    go.resolve();
    expect((await unary).value).toBe("finish me");
    await finished;
    expect(running.logged).toEqual([]);
  });
});

async function* forever(): AsyncGenerator<{ value: string }> {
  yield { value: "x" };
  await new Promise(() => {});
}
