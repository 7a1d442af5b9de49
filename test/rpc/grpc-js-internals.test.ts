/**
 * The private fields that interceptors of this project stand on, in the version of grpc-js they were read
 * from. Where this fails after an update: read the new version's server-interceptors.ts,
 * client-interceptors.ts and internal-channel.ts, mend src/rpc/grpc-js-internals.ts, and write the new
 * version here.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  changeServerCredentials,
  http2Stream,
  type InnermostClientCall,
  onUnservedStream,
  requestEncoding,
  takeClientBytes,
  takeServerBytes,
} from "../../src/rpc/grpc-js-internals.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { HAS_OPENSSL, makeTls } from "../support/wire-tls.js";
import { connectRaw, frame } from "./raw-client.js";
import { listen } from "./test-service.js";

const READ_FROM = "1.14.7";

test(`grpc-js is the version that its fields were read from, ${READ_FROM}`, () => {
  const manifest = createRequire(import.meta.url).resolve("@grpc/grpc-js/package.json");
  expect(JSON.parse(readFileSync(manifest, "utf8")).version).toBe(READ_FROM);
});

const serialize = (text: string) => Buffer.from(`<${text}>`);
const deserialize = (bytes: Buffer) => bytes.toString().slice(1, -1);
const SAY: grpc.MethodDefinition<string, string> = {
  path: "/test.v1.Test/Say",
  requestStream: false,
  responseStream: false,
  requestSerialize: serialize,
  requestDeserialize: deserialize,
  responseSerialize: serialize,
  responseDeserialize: deserialize,
};

type Layer = Record<string, unknown> & { nextCall?: Layer };

/** The call below all interceptors, found without the code under test. */
function bottomOf(call: unknown): Layer {
  let layer = call as Layer;
  while (layer.nextCall !== undefined) layer = layer.nextCall;
  return layer;
}

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that answers with what it was sent, to a client with interceptors. */
async function world(server: readonly grpc.ServerInterceptor[], client: readonly grpc.Interceptor[] = []) {
  const running = new grpc.Server({ interceptors: [...server] });
  running.addService(
    { say: SAY },
    {
      say: (call: grpc.ServerUnaryCall<string, string>, callback: grpc.sendUnaryData<string>) =>
        callback(null, call.request),
    },
  );
  const address = `127.0.0.1:${await listen(running)}`;
  const caller = new grpc.Client(address, grpc.credentials.createInsecure(), { interceptors: [...client] });
  closing.push(
    () => caller.close(),
    () => running.forceShutdown(),
  );
  const say = (text: string) =>
    new Promise<string>((resolve, reject) => {
      caller.makeUnaryRequest(SAY.path, serialize, deserialize, text, (error, answer) =>
        error ? reject(error) : resolve(answer!),
      );
    });
  return { say, address };
}

/** An interceptor that passes everything on, as any application may have one. */
const passing: grpc.ServerInterceptor = (_, call) => new grpc.ServerInterceptingCall(call, {});

describe("on the server, the call below all interceptors", () => {
  test("has the fields", async () => {
    const seen: Layer[] = [];
    const { say } = await world([
      passing,
      (_, call) => {
        seen.push(bottomOf(call));
        return new grpc.ServerInterceptingCall(call, {});
      },
    ]);
    await say("a");
    const [{ handler, incomingEncoding, stream }] = seen as [Layer];
    expect(handler).toMatchObject({ serialize: expect.any(Function), deserialize: expect.any(Function) });
    expect(incomingEncoding).toBe("identity");
    expect((stream as object).constructor.name).toBe("ServerHttp2Stream");
  });

  test("tells its encoding and its stream", async () => {
    const seen: unknown[] = [];
    const { say } = await world([
      passing,
      (_, call) => {
        seen.push(requestEncoding(call), http2Stream(call) === bottomOf(call).stream);
        return new grpc.ServerInterceptingCall(call, {});
      },
    ]);
    await say("a");
    expect(seen).toEqual(["identity", true]);
  });

  test("gives and takes bytes once it is told to, for this call alone", async () => {
    let taken: boolean[] = [];
    const passed: unknown[] = [];
    let take = true;
    const { say } = await world([
      passing,
      (_, call) => {
        if (take) taken = [takeServerBytes(call), takeServerBytes(call)];
        return new grpc.ServerInterceptingCall(call, {
          start: (next) =>
            next({
              onReceiveMessage: (message, pass) => {
                passed.push(message);
                pass(message);
              },
            }),
          sendMessage: (message, next) => {
            passed.push(message);
            next(message);
          },
        });
      },
    ]);
    expect(await say("a")).toBe("a");
    expect(taken).toEqual([true, false]);
    expect(passed).toEqual([Buffer.from("<a>"), Buffer.from("<a>")]);
    passed.length = 0;
    take = false;
    expect(await say("b")).toBe("b");
    expect(passed).toEqual(["b", "b"]);
    take = true;
    await say("c");
    expect(taken).toEqual([true, false]);
  });

  test("without its codecs is not taken", () => {
    const call = { nextCall: { nextCall: {} } } as unknown as grpc.ServerInterceptingCallInterface;
    expect(() => takeServerBytes(call)).toThrow(
      new TypeError("this version of grpc-js hides the bytes of calls"),
    );
    expect(requestEncoding(call)).toBeUndefined();
    expect(http2Stream(call)).toBeUndefined();
  });
});

describe("on the server, below all interceptors", () => {
  test("streams that the server answers by itself are told of, after the answer, and no others", async () => {
    const server = new grpc.Server();
    const told: unknown[] = [];
    onUnservedStream(server, ({ sentHeaders }) => {
      told.push(sentHeaders?.["grpc-status"] ?? sentHeaders?.[":status"]);
    });
    server.addService(
      { say: SAY },
      {
        say: (call: grpc.ServerUnaryCall<string, string>, reply: grpc.sendUnaryData<string>) =>
          reply(null, call.request),
      },
    );
    const port = await listen(server);
    closing.push(() => server.forceShutdown());
    using raw = connectRaw(port);
    const call = (path: string, headers = {}) => {
      const { stream, ended } = raw.call(path, headers);
      stream.end(frame(serialize("a")));
      return ended;
    };
    await call(SAY.path);
    expect(told).toEqual([]);
    await call("/test.v1.Test/Whisper");
    await call(SAY.path, { "content-type": "text/plain" });
    expect(told).toEqual([grpc.status.UNIMPLEMENTED, 415]);
  });

  test("a server that answers them elsewhere is not taken", () => {
    const server = Object.assign(new grpc.Server(), { _respondWithError: undefined });
    expect(() => onUnservedStream(server, () => {})).toThrow(
      new TypeError("this version of grpc-js hides the streams that it answers by itself"),
    );
  });
});

/** What a client's interceptor finds below it. */
async function below(
  credentials: grpc.ChannelCredentials,
  options: grpc.ChannelOptions = {},
  target = "api.example.test:443",
): Promise<{ bottom: Layer; found: InnermostClientCall; ended: grpc.StatusObject }> {
  const client = new grpc.Client(target, credentials, options);
  closing.push(() => client.close());
  let bottom: Layer | undefined;
  let found: InnermostClientCall | undefined;
  const ended = await new Promise<grpc.StatusObject>((resolve) => {
    const look: grpc.Interceptor = (callOptions, nextCall) => {
      const call = new grpc.InterceptingCall(nextCall(callOptions));
      bottom = bottomOf(call);
      found = takeClientBytes(call, resolve);
      return call;
    };
    const call = client.makeUnaryRequest(
      SAY.path,
      serialize,
      deserialize,
      "a",
      { interceptors: [look] },
      () => {},
    );
    call.cancel();
  });
  return { bottom: bottom!, found: found!, ended };
}

describe("on the client, the call below all interceptors", () => {
  afterEach(() => void vi.unstubAllEnvs());

  test("has the fields", async () => {
    const { bottom } = await below(grpc.credentials.createInsecure());
    const call = bottom.call as Layer;
    expect(call).toMatchObject({ host: "api.example.test:443", addStatusWatcher: expect.any(Function) });
    const channel = call.channel as Layer;
    expect(channel).toMatchObject({
      options: expect.any(Object),
      getTarget: expect.any(Function),
      getConnectivityState: expect.any(Function),
      watchConnectivityState: expect.any(Function),
      credentials: { _isSecure: expect.any(Function) },
    });
    expect(bottom.methodDefinition).toMatchObject({
      path: SAY.path,
      requestSerialize: expect.any(Function),
      responseDeserialize: expect.any(Function),
    });
  });

  test("tells where it goes, and whether the way is encrypted", async () => {
    expect((await below(grpc.credentials.createInsecure())).found).toEqual({
      authority: "api.example.test:443",
      target: "dns:api.example.test:443",
      secure: false,
      channel: expect.any(Object),
      deadline: expect.any(Function),
      onClosed: expect.any(Function),
    });
    expect((await below(grpc.credentials.createSsl())).found.secure).toBe(true);
    const { found } = await below(grpc.credentials.createInsecure());
    expect(found.deadline()).toBe(Number.POSITIVE_INFINITY);
    const named = await below(grpc.credentials.createInsecure(), { "grpc.default_authority": "orders.test" });
    expect(named.found.authority).toBe("orders.test");
  });

  test("tells that it goes to a proxy", async () => {
    vi.stubEnv("grpc_proxy", "http://127.0.0.1:1");
    vi.stubEnv("no_grpc_proxy", undefined);
    vi.stubEnv("no_proxy", undefined);
    const { found, bottom } = await below(grpc.credentials.createInsecure());
    expect(((bottom.call as Layer).channel as { getTarget(): string }).getTarget()).toContain("127.0.0.1:1");
    expect(found).toEqual({
      authority: "api.example.test:443",
      target: undefined,
      behindProxy: "dns:api.example.test:443",
      secure: false,
      channel: expect.any(Object),
      deadline: expect.any(Function),
      onClosed: expect.any(Function),
    });
  });

  test("tells of its end", async () => {
    expect((await below(grpc.credentials.createInsecure())).ended.code).toBe(grpc.status.CANCELLED);
  });

  test("gives and takes bytes", async () => {
    const passed: unknown[] = [];
    const bytes: grpc.Interceptor = (options, nextCall) => {
      const next = new grpc.InterceptingCall(nextCall(options)) as grpc.InterceptingCall;
      takeClientBytes(next, () => {});
      return new grpc.InterceptingCall(next, {
        start: (metadata, _listener, begin) =>
          begin(metadata, {
            onReceiveMessage: (message, pass) => {
              passed.push(message);
              pass(deserialize(message));
            },
          }),
        sendMessage: (message, send) => send(serialize(message)),
      });
    };
    const { say } = await world([], [bytes]);
    expect(await say("a")).toBe("a");
    expect(passed).toEqual([Buffer.from("<a>")]);
  });

  const whole = () => ({
    call: {
      host: "api:1",
      channel: {
        getTarget: () => "dns:api:1",
        getConnectivityState: () => 0,
        watchConnectivityState: () => {},
      },
      addStatusWatcher: () => {},
    },
    methodDefinition: {},
  });
  type Bottom = ReturnType<typeof whole>;

  test("is taken with what it must have", () => {
    const found = takeClientBytes({ nextCall: whole() } as unknown as grpc.InterceptingCall, () => {});
    expect(found).toEqual({
      authority: "api:1",
      target: "dns:api:1",
      secure: false,
      channel: expect.any(Object),
      deadline: expect.any(Function),
      onClosed: expect.any(Function),
    });
  });

  test.each<[string, (bottom: Bottom) => object]>([
    ["call", ({ methodDefinition }) => ({ methodDefinition })],
    ["methodDefinition", ({ call }) => ({ call })],
    ["call.host", (bottom) => ({ ...bottom, call: { ...bottom.call, host: undefined } })],
    ["call.channel", (bottom) => ({ ...bottom, call: { ...bottom.call, channel: undefined } })],
    ["call.channel.getTarget", (bottom) => ({ ...bottom, call: { ...bottom.call, channel: {} } })],
    [
      "call.channel.getConnectivityState",
      (bottom) => ({ ...bottom, call: { ...bottom.call, channel: { getTarget: () => "dns:api:1" } } }),
    ],
    [
      "call.channel.watchConnectivityState",
      (bottom) => ({
        ...bottom,
        call: { ...bottom.call, channel: { getTarget: () => "dns:api:1", getConnectivityState: () => 0 } },
      }),
    ],
    [
      "call.addStatusWatcher",
      (bottom) => ({ ...bottom, call: { ...bottom.call, addStatusWatcher: undefined } }),
    ],
  ])("without %s is not taken", (_, change) => {
    const call = { nextCall: change(whole()) } as unknown as grpc.InterceptingCall;
    const take = () => takeClientBytes(call, () => {});
    expect(take).toThrow(RpcError);
    expect(take).toThrow("ticketInterceptor works on grpc-js's own channels only");
    expect(take).toThrow(expect.objectContaining({ codeName: "INTERNAL" }));
  });
});

describe.skipIf(!HAS_OPENSSL)("the credentials of a server that runs", () => {
  test("have the fields, and hand what changes to whoever watches them, with the ciphers they began with", () => {
    const [running, latest] = [makeTls().server, makeTls().server];
    const watcher = vi.fn();
    running._addWatcher(watcher);
    changeServerCredentials(running, latest);
    const { ca, cert, key } = latest._getSecureContextOptions()!;
    expect(watcher.mock.calls).toEqual([[{ ca, cert, key }]]);
    expect(running._getSecureContextOptions()).toEqual({ ca, cert, key });
    // As GRPC_SSL_CIPHER_SUITES chooses them.
    Object.assign(running._getConstructorOptions()!, { ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" });
    changeServerCredentials(running, latest);
    expect(watcher).toHaveBeenLastCalledWith({ ca, cert, key, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" });
  });

  test("can't be changed where they are plaintext, or where grpc-js keeps them elsewhere", () => {
    const { server: secure } = makeTls();
    const plain = grpc.ServerCredentials.createInsecure();
    const moved = Object.create(secure, { updateSecureContextOptions: { value: undefined } });
    for (const [running, latest] of [
      [plain, secure],
      [secure, plain],
      [moved, secure],
    ])
      expect(() => changeServerCredentials(running, latest)).toThrow(
        new TypeError("this version of grpc-js hides the certificates of a server"),
      );
  });
});
