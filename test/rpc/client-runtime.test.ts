import { getEventListeners } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { DEFAULT_TIMEOUT_MS } from "../../src/rpc/client-runtime.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { makeServer } from "../../src/rpc/server-options.js";
import { addService } from "../../src/rpc/server-runtime.js";
import { serviceDefinition } from "../../src/rpc/service-definition.js";
import { listen, plain, serve, TestClient, TestService } from "./test-service.js";

const insecure = grpc.credentials.createInsecure();

async function all<T>(messages: AsyncIterable<{ value: T }>): Promise<T[]> {
  const values: T[] = [];
  for await (const message of messages) values.push(message.value);
  return values;
}

/** Whatever a promise is rejected with. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("no call lacks a deadline: ten seconds, the client's, or its own", async () => {
  const left: number[] = [];
  await using running = await serve({
    async say(request, context) {
      left.push(Math.round((context.deadline!.getTime() - Date.now()) / 1000));
      return { value: request.value };
    },
    async *count(_request, context) {
      left.push(context.deadline === undefined ? Number.POSITIVE_INFINITY : 0);
      yield { value: 1 };
    },
  });
  await running.client.say("x");
  await running.client.say("x", { timeoutMs: 3000 });
  await running.client.say("x", { timeoutMs: 3000, deadline: new Date(Date.now() + 7000) });
  using patient = new TestClient(running.client.channel, { timeoutMs: 60_000 });
  await patient.say("x");
  await all(patient.count(1, { timeoutMs: Number.POSITIVE_INFINITY }));
  expect(left).toEqual([DEFAULT_TIMEOUT_MS / 1000, 3, 7, 60, Number.POSITIVE_INFINITY]);
});

test("a call that gets no answer ends with DEADLINE_EXCEEDED and a hint", async () => {
  await using running = await serve({ say: () => new Promise(() => {}) });
  const error = await rejection(running.client.say("x", { timeoutMs: 30 }));
  expect(error).toBeInstanceOf(RpcError);
  expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED, codeName: "DEADLINE_EXCEEDED" });
  expect((error as RpcError).hint).toMatch(/check address/);
});

test("a server that is not there is UNAVAILABLE, with a hint", async () => {
  const unbound = makeServer();
  const port = await listen(unbound);
  unbound.forceShutdown();
  using client = new TestClient(`127.0.0.1:${port}`, insecure);
  const calls = [client.say("x"), all(client.count(1)), client.sum([]), all(client.echo([]))];
  for (const error of await Promise.all(calls.map(rejection))) {
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({
      code: status.UNAVAILABLE,
      hint: expect.stringMatching(/is the server running/),
    });
  }
});

test("a new client of a server that has come back is answered, whatever another one met at its address", async () => {
  const unbound = makeServer();
  const port = await listen(unbound);
  unbound.forceShutdown();
  const once = { channelOptions: { "grpc.enable_retries": 0 } };
  using early = new TestClient(`127.0.0.1:${port}`, insecure, once);
  expect(await rejection(early.say("x"))).toMatchObject({ code: status.UNAVAILABLE });
  const server = makeServer();
  addService(server, TestService, plain);
  await listen(server, port);
  using late = new TestClient(`127.0.0.1:${port}`, insecure, once);
  expect(await late.say("y")).toMatchObject({ value: "y" });
  server.forceShutdown();
});

test("UNAVAILABLE, and nothing else, is tried again; each attempt asks the credentials anew", async () => {
  const seen: string[] = [];
  await using running = await serve({
    async say(request, context) {
      seen.push(String(context.metadata.get("token")[0]));
      if (seen.length < 3) throw new RpcError(status.UNAVAILABLE, "not yet");
      if (request.value === "no") throw new RpcError(status.ABORTED, "no");
      return { value: "third time" };
    },
  });
  let made = 0;
  const credentials = grpc.credentials.createFromMetadataGenerator((_options, callback) => {
    const metadata = new grpc.Metadata();
    metadata.set("token", `fresh ${++made}`);
    callback(null, metadata);
  });
  expect((await running.client.say("yes", { credentials })).value).toBe("third time");
  expect(seen).toEqual(["fresh 1", "fresh 2", "fresh 3"]);
  await expect(running.client.say("no", { credentials })).rejects.toMatchObject({ code: status.ABORTED });
  expect(seen.length).toBe(4);
});

test("a signal cancels a call of every kind, before it starts or while it runs", async () => {
  const started: (() => void)[] = [];
  const hang = () => {
    started.shift()?.();
    return new Promise<never>(() => {});
  };
  await using running = await serve({
    say: hang,
    sum: hang,
    async *count() {
      await hang();
      yield { value: 1 };
    },
    async *echo() {
      await hang();
      yield { value: "x" };
    },
  });
  const { client } = running;
  const calls = [
    (signal: AbortSignal) => client.say("x", { signal }),
    (signal: AbortSignal) => all(client.count(1, { signal })),
    (signal: AbortSignal) => client.sum([], { signal }),
    (signal: AbortSignal) => all(client.echo([], { signal })),
  ];
  for (const call of calls) {
    await expect(call(AbortSignal.abort())).rejects.toMatchObject({
      name: "RpcError",
      code: status.CANCELLED,
    });
    const controller = new AbortController();
    const begun = new Promise<void>((resolve) => started.push(resolve));
    const outcome = rejection(call(controller.signal));
    await begun;
    controller.abort();
    expect(await outcome).toMatchObject({ name: "RpcError", code: status.CANCELLED });
  }
});

test("one signal cancels many calls, and has one listener for all of them", async () => {
  let begun = 0;
  let onAllBegun = () => {};
  const allBegun = new Promise<void>((resolve) => {
    onAllBegun = resolve;
  });
  await using running = await serve({
    say: () => {
      if (++begun === 20) onAllBegun();
      return new Promise<never>(() => {});
    },
  });
  const controller = new AbortController();
  const { signal } = controller;
  const outcomes = Array.from({ length: 20 }, () => rejection(running.client.say("x", { signal })));
  await allBegun;
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  controller.abort();
  for (const outcome of await Promise.all(outcomes))
    expect(outcome).toMatchObject({ code: status.CANCELLED });
});

test("interceptors see the bytes that travel; a call's own stand inside the client's", async () => {
  const seen: string[] = [];
  const spy =
    (name: string): grpc.Interceptor =>
    (options, next) =>
      new grpc.InterceptingCall(next(options), {
        start: (metadata, _listener, nextStart) =>
          nextStart(metadata, {
            onReceiveMessage: (message: Buffer, nextMessage) => {
              seen.push(`${name} got ${message.toString("hex")}`);
              nextMessage(message);
            },
          }),
        sendMessage: (message: Buffer, nextMessage) => {
          seen.push(`${name} sent ${message.toString("hex")}`);
          nextMessage(message);
        },
      });
  await using running = await serve({}, { client: { interceptors: [spy("outer")] } });
  await running.client.say("hi", { interceptors: [spy("inner")] });
  expect(seen).toEqual([
    "outer sent 0a026869",
    "inner sent 0a026869",
    "inner got 0a026869",
    "outer got 0a026869",
  ]);
});

test("a malformed response is an INTERNAL error that names it, and the stream is cancelled", async () => {
  const garbage = Buffer.from([0x08]); // a field without its value
  let cancelled!: () => void;
  const left = new Promise<void>((resolve) => {
    cancelled = resolve;
  });
  const server = makeServer();
  server.addService(serviceDefinition(TestService), {
    ...Object.fromEntries(Object.keys(plain).map((name) => [name, () => {}])),
    say: (_call: unknown, callback: grpc.sendUnaryData<Buffer>) => callback(null, garbage),
    count: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      call.on("cancelled", cancelled);
      call.write(garbage);
    },
  });
  using client = new TestClient(`127.0.0.1:${await listen(server)}`, insecure);
  await expect(client.say("x")).rejects.toMatchObject({
    name: "RpcError",
    code: status.INTERNAL,
    message: "malformed response: not a google.protobuf.StringValue",
  });
  await expect(all(client.count(1))).rejects.toMatchObject({ name: "RpcError", code: status.INTERNAL });
  await left;
  server.forceShutdown();
});

test("an argument that is no such message fails before anything is sent", async () => {
  let called = false;
  await using running = await serve({
    async *count() {
      called = true;
      yield* [];
    },
  });
  await expect(all(running.client.count("many" as never))).rejects.toThrow(
    /invalid int32|cannot encode|int32/,
  );
  expect(called).toBe(false);
});

test("a failure of the requests cancels the call and is what the caller sees", async () => {
  await using running = await serve();
  const broken = new Error("the source ran dry");
  async function* numbers() {
    yield { value: 1 };
    throw broken;
  }
  async function* texts() {
    yield { value: "x" };
    throw broken;
  }
  expect(await rejection(running.client.sum(numbers()))).toBe(broken);
  expect(await rejection(all(running.client.echo(texts())))).toBe(broken);
});

test("the source of requests is let go of when the call ends first", async () => {
  await using running = await serve({
    sum: async () => {
      throw new RpcError(status.ABORTED, "enough");
    },
  });
  let released!: (how: string) => void;
  const letGo = new Promise<string>((resolve) => {
    released = resolve;
  });
  async function* endless() {
    try {
      for (;;) yield { value: 1 };
    } finally {
      released("finally");
    }
  }
  await expect(running.client.sum(endless())).rejects.toMatchObject({ code: status.ABORTED });
  expect(await letGo).toBe("finally");
});

test("requests without end let other work run, and stop with the call", async () => {
  let taken = 0;
  await using running = await serve({
    sum: (_requests, context) =>
      new Promise((_, reject) =>
        context.signal.addEventListener("abort", () => reject(context.signal.reason)),
      ),
  });
  async function* endless() {
    for (;;) {
      taken++;
      yield { value: 1 };
    }
  }
  const outcome = rejection(running.client.sum(endless(), { timeoutMs: 60 }));
  expect(await outcome).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  const whenItEnded = taken;
  await new Promise((resolve) => setImmediate(resolve));
  expect(taken).toBe(whenItEnded);
});

test("a stream nobody begins to read starts no call", async () => {
  let called = false;
  await using running = await serve({
    async *count() {
      called = true;
      yield { value: 1 };
    },
  });
  running.client.count(1);
  await running.client.say("x");
  expect(called).toBe(false);
});

test("metadata goes along and is not changed", async () => {
  await using running = await serve({
    say: async (_request, context) => ({ value: String(context.metadata.get("color")[0]) }),
  });
  const metadata = new grpc.Metadata();
  metadata.set("color", "blue");
  expect((await running.client.say("", { metadata })).value).toBe("blue");
  expect(metadata.getMap()).toEqual({ color: "blue" });
});

test("a client closes the channel it made, not one it was given, and takes no call afterwards", async () => {
  await using running = await serve();
  const guest = new TestClient(running.client.channel);
  guest.close();
  guest.close();
  await expect(guest.say("x")).rejects.toThrow(new TypeError("the client is closed"));
  expect((await running.client.say("still open")).value).toBe("still open");
  running.client.close();
  expect(running.client.channel.getConnectivityState(false)).toBe(grpc.connectivityState.SHUTDOWN);
  expect(() => new TestClient("127.0.0.1:1", undefined as never)).toThrow(TypeError);
});
