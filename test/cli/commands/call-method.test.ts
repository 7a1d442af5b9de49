/** `tessera call package.Service/Method`, against a guarded service of four kinds of call. */
import { writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { create, type DescService, toBinary } from "@bufbuild/protobuf";
import { anyPack, FileDescriptorSetSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ErrorInfoSchema } from "../../../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../../src/gen/google/rpc/status_pb.js";
import { STATUS_DETAILS_METADATA } from "../../../src/rpc/metadata-names.js";
import { readProtoFiles } from "../../../src/rpc/proto-files.js";
import { RpcError } from "../../../src/rpc/rpc-error.js";
import { addService, type HandlerContext } from "../../../src/rpc/server-runtime.js";
import { GuardedServerCall } from "../../../src/services/guard/call.js";
import { readGuardOptions } from "../../../src/services/guard/config.js";
import { callerOf, type GuardOptions, guard, MemoryReplayCache } from "../../../src/services/index.js";
import { addReflection } from "../../../src/services/reflection.js";
import { HAS_OPENSSL, makeTls } from "../../support/wire-tls.js";
import { served } from "../served.js";

const SERVICE = "shop/localhost";
const PROTO = new URL("../../support/shop.proto", import.meta.url).pathname;
const V1 = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

interface Order {
  readonly item: string;
}

const tests = served({ services: [SERVICE] });
const { shell } = tests;
const servers: grpc.Server[] = [];
let shop: DescService;
let options: GuardOptions;
let address: string;
/** The metadata of the last call. */
let metadata: grpc.Metadata;

beforeAll(async () => {
  shop = (await readProtoFiles([PROTO])).getService("shop.v1.ShopService")!;
  const keys = await tests.realm.keys(SERVICE);
  options = {
    keytab: () => keys,
    replayCache: new MemoryReplayCache({ skew: 300_000, startedAt: tests.realm.now, restart: "fresh" }),
    profile: "textbook",
    clock: () => tests.realm.now,
  };
  address = await start();
  await tests.login("alice");
});
afterAll(() => {
  for (const server of servers) server.forceShutdown();
});
beforeEach(() => tests.login("alice"));

/** Starts a server with the shop, and reflection unless it is told not to. */
async function start({
  reflects = true,
  more = [] as grpc.ServerInterceptor[],
  guarding = options,
  credentials = grpc.ServerCredentials.createInsecure(),
} = {}): Promise<string> {
  const server = new grpc.Server({ interceptors: [guard(guarding), ...more] });
  const reply = (text: string, order: Order) => ({ text, order });
  addService(server, shop, {
    order: async (order: Order, context: HandlerContext) => {
      metadata = context.metadata;
      if (order.item === "nothing") {
        context.trailers.set(STATUS_DETAILS_METADATA, soldOut());
        throw new RpcError(grpc.status.NOT_FOUND, "sold out");
      }
      return reply(callerOf(context).principal, order);
    },
    watch: async function* (order: Order) {
      for (const text of ["packed", "sent"]) yield reply(text, order);
    },
    collect: async (orders: AsyncIterable<Order>) => {
      const items: string[] = [];
      for await (const { item } of orders) items.push(item);
      return { text: items.join(" ") };
    },
    haggle: async function* (orders: AsyncIterable<Order>) {
      for await (const order of orders) yield reply("no", order);
    },
  } as never);
  if (reflects) addReflection(server, [shop]);
  servers.push(server);
  return `127.0.0.1:${await promisify(server.bindAsync.bind(server))("127.0.0.1:0", credentials)}`;
}

function soldOut(): Buffer {
  const details = [
    anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: "SOLD_OUT", domain: "shop.example" })),
    anyPack(StringValueSchema, create(StringValueSchema, { value: "of a type that the service has not" })),
  ];
  const status = create(StatusSchema, { code: grpc.status.NOT_FOUND, message: "sold out", details });
  return Buffer.from(toBinary(StatusSchema, status));
}

/** Ends calls of some methods with a status, before the guard sees them. */
function ending(paths: readonly string[], code: grpc.status): grpc.ServerInterceptor {
  return (method, call) =>
    paths.includes(method.path)
      ? new grpc.ServerInterceptingCall(call, {
          start: (next) =>
            next({
              onReceiveMetadata: () => call.sendStatus({ code, details: "not here" }),
            }),
        })
      : new grpc.ServerInterceptingCall(call);
}

const call = (words: readonly string[], stdin = "", at = address) =>
  shell.runWords(["call", "--service", SERVICE, "--address", at, ...words], stdin);

describe("a method, by reflection", () => {
  it("is called with JSON and a ticket, and answers in JSON", async () => {
    const request = {
      item: "lamp",
      itemCount: "3",
      colours: { shade: "COLOUR_RED" },
      due: "2026-01-01T00:00:00Z",
    };
    const { code, stdout, stderr } = await call(["shop.v1.ShopService/Order", JSON.stringify(request)]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toEqual({ text: "alice@EXAMPLE.TEST", order: request });
  });

  it("takes the names of the proto file too, a leading slash, and no request at all", async () => {
    const { stdout } = await call(["/shop.v1.ShopService/Order", '{"item_count": 2}']);
    expect(JSON.parse(stdout).order).toEqual({ itemCount: "2" });
    expect(JSON.parse((await call(["shop.v1.ShopService/Order"])).stdout).order).toEqual({});
  });

  it("answers a stream with one document a line", async () => {
    const { stdout } = await call(["shop.v1.ShopService/Watch", "-d", '{"item": "lamp"}']);
    expect(stdout).toBe(
      '{"text":"packed","order":{"item":"lamp"}}\n{"text":"sent","order":{"item":"lamp"}}\n',
    );
  });

  it.each(["@", "-"])("takes a stream of documents from stdin: -d %s", async (from) => {
    const stdin = '{"item": "oil"}\n{"item":"salt"}{"item":\n"}{"}';
    const { stdout } = await call(["shop.v1.ShopService/Collect", "-d", from], stdin);
    expect(JSON.parse(stdout)).toEqual({ text: "oil salt }{" });
    expect((await call(["shop.v1.ShopService/Haggle", from], stdin)).stdout.split("\n")).toEqual([
      '{"text":"no","order":{"item":"oil"}}',
      '{"text":"no","order":{"item":"salt"}}',
      '{"text":"no","order":{"item":"}{"}}',
      "",
    ]);
  });

  it("of a stream of requests may be called with none", async () => {
    expect((await call(["shop.v1.ShopService/Collect"])).stdout).toBe("{}\n");
  });

  it.each(["authenticate", "integrity", "privacy"])("is protected as asked: %s", async (protection) => {
    const floor = await start({ guarding: { ...options, protection: protection as never } });
    const words = ["--protection", protection, "shop.v1.ShopService/Order", "{}"];
    expect((await call(words, "", floor)).code).toBe(0);
  });

  it("is refused with less protection than the service asks for", async () => {
    const floor = await start({ guarding: { ...options, protection: "privacy" } });
    const { code, stdout } = await call(["--json", "shop.v1.ShopService/Order", "{}"], "", floor);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({ reason: "KDC_ERR_POLICY" });
  });

  it("carries metadata", async () => {
    const { code } = await call([
      ..."--metadata colour:red --metadata key-bin:AAH/ --metadata colour:blue".split(" "),
      "shop.v1.ShopService/Order",
    ]);
    expect(code).toBe(0);
    expect(metadata.get("colour")).toEqual(["red, blue"]);
    expect(metadata.get("key-bin")).toEqual([Buffer.from([0, 1, 255])]);
  });
});

describe("what a method is, is found out", () => {
  it("by v1alpha where there is no v1", async () => {
    const old = await start({ more: [ending([V1], grpc.status.UNIMPLEMENTED)] });
    expect((await call(["shop.v1.ShopService/Order"], "", old)).code).toBe(0);
  });

  it("with a ticket where reflection is guarded", async () => {
    const config = readGuardOptions(options);
    const guarded: grpc.ServerInterceptor = (method, next) =>
      method.path.includes("Reflection")
        ? new GuardedServerCall(config, method, next)
        : new grpc.ServerInterceptingCall(next);
    const closed = await start({ more: [guarded] });
    expect((await call(["shop.v1.ShopService/Order"], "", closed)).code).toBe(0);
  });

  it("from files where there is no reflection", async () => {
    const silent = await start({ reflects: false });
    const none = await call(["shop.v1.ShopService/Order"], "", silent);
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringMatching(
        /has no reflection\nhint: give their files: --proto FILE, or --descriptor-set FILE/,
      ),
    ]);
    const set = shell.file("shop.binpb");
    writeFileSync(
      set,
      toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [shop.file.proto] })),
    );
    for (const files of [
      ["--proto", PROTO],
      ["--proto", "shop.proto", "-I", PROTO.replace("/shop.proto", "")],
      ["--descriptor-set", set],
    ])
      expect((await call([...files, "shop.v1.ShopService/Order"], "", silent)).code).toBe(0);
  });
});

it.skipIf(!HAS_OPENSSL)("a method is called over TLS, with a ticket from the cache", async () => {
  const tls = makeTls();
  const secure = (await start({ credentials: tls.server })).replace("127.0.0.1", "localhost");
  writeFileSync(shell.file("ca.pem"), tls.ca);
  const words = ["--tls-ca", "./ca.pem", "shop.v1.ShopService/Order"];
  // The options of TLS are the KDC's too, which has none here: the ticket is at hand.
  await shell.run(`kvno ${SERVICE}`);
  expect((await call(words, "", secure)).code).toBe(0);
  const { code, stderr } = await call(["shop.v1.ShopService/Order"], "", secure);
  expect([code, stderr]).toEqual([1, expect.stringContaining("a server with TLS needs --tls-ca FILE")]);
});

describe("a refusal", () => {
  it("gives the status by name, with its details decoded", async () => {
    const words = ["shop.v1.ShopService/Order", '{"item": "nothing"}'];
    const { code, stderr } = await call(words);
    expect([code, stderr]).toEqual([
      1,
      [
        "tessera: sold out (NOT_FOUND)",
        'tessera: detail: {"@type":"type.googleapis.com/google.rpc.ErrorInfo",' +
          '"reason":"SOLD_OUT","domain":"shop.example"}',
        'tessera: detail: {"@type":"type.googleapis.com/google.protobuf.StringValue",' +
          '"value":"CiJvZiBhIHR5cGUgdGhhdCB0aGUgc2VydmljZSBoYXMgbm90"}',
        "",
      ].join("\n"),
    ]);
    const { stdout } = await call(["--json", ...words]);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { reason: "NOT_FOUND", text: "sold out", details: [{ reason: "SOLD_OUT" }, {}] },
    });
  });

  it("of the guard has its RFC name, and what was compared", async () => {
    const other = await call(["--service", "v/localhost", "shop.v1.ShopService/Order"]);
    expect(other.code).toBe(2); // given twice
    const { code, stderr } = await shell.runWords([
      "call",
      "--service",
      "v/localhost",
      "--address",
      address,
      "shop.v1.ShopService/Order",
    ]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("KRB_AP_ERR_NOT_US, 35")]);
  });

  it("comes when the time is up", async () => {
    const silent = await start({
      more: [(_, next) => new grpc.ServerInterceptingCall(next, { start: () => {} })],
    });
    const words = ["--timeout", "1", "--proto", PROTO, "shop.v1.ShopService/Order"];
    const { code, stderr } = await call(words, "", silent);
    expect([code, stderr]).toEqual([1, expect.stringContaining("(DEADLINE_EXCEEDED)")]);
  });

  it("keeps tickets off a plaintext way to another machine, unless --plaintext insists", async () => {
    const far = "192.0.2.1:50051";
    const words = ["--proto", PROTO, "--timeout", "1", "shop.v1.ShopService/Order"];
    const { code, stderr } = await call(words, "", far);
    expect([code, stderr]).toEqual([
      1,
      "tessera: the way to 192.0.2.1:50051 is plaintext: whoever is on it can read the call\n" +
        "hint: use TLS (--tls-ca FILE), or insist with --plaintext\n",
    ]);
    expect((await call(["--plaintext", ...words], "", far)).stderr).not.toContain("plaintext");
  });

  it("needs a login", async () => {
    const { code, stderr } = await call(["-c", "./none", "shop.v1.ShopService/Order"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/nobody is logged in/)]);
  });
});

describe("wrong usage exits with 2, and names", () => {
  const method = "shop.v1.ShopService/Order";
  it.each([
    ["the nearest method", ["shop.v1.ShopService/Ordr"], "no method Ordr; did you mean Order?"],
    ["all methods", ["shop.v1.ShopService/X"], "no method X; it has: Order, Watch, Collect, Haggle"],
    ["the nearest service", ["shop.v1.ShopServce/Order"], "did you mean shop.v1.ShopService?"],
    [
      "the nearest service of files",
      ["--proto", PROTO, "shop.v1.Shp/Order"],
      "the files declare: shop.v1.ShopService",
    ],
    [
      "the nearest field",
      [method, '{"itm": 1}'],
      "request 1: shop.v1.OrderRequest has no field itm; did you mean item?",
    ],
    ["all fields", [method, '{"xyz": 1}'], "no field xyz; it has: item, itemCount, colours, due"],
    [
      "an array for a message",
      [method, "[]"],
      "request 1: cannot decode message shop.v1.OrderRequest from JSON: an array",
    ],
    ["an array for a string", [method, '{"item": []}'], "expected string, got an array"],
    ["a request that is no JSON", [method, "{item}"], "request 1: "],
    ["a bracket that is never closed", [method, "{"], "request 1: "],
    ["a second request", [method, "{}{}"], "Order takes one request, and there are 2"],
    ["a second argument", [method, "{}", "{}"], "a method takes one argument"],
    ["a request given twice", [method, "{}", "-d", "{}"], "a method takes one argument"],
    ["a name that is no method", ["shop/v1/Order"], "expected package.Service/Method"],
    ["metadata without a name", ["--metadata", "red", method], "--metadata: expected NAME:VALUE"],
    ["metadata that gRPC does not take", ["--metadata", "a b:c", method], "--metadata: "],
    ["the guard's own metadata", ["--metadata", "kerberos-ap-req-bin:AA", method], "is the guard's own"],
    [
      "a level that is none",
      ["--protection", "some", method],
      "expected one of call, authenticate, integrity, privacy",
    ],
    ["two kinds of files", ["--proto", PROTO, "--descriptor-set", "x", method], "do not go together"],
    ["import paths alone", ["-I", "x", method], "--import-path goes with --proto"],
    [
      "plaintext with TLS",
      ["--plaintext", "--tls-ca", "x", method],
      "--plaintext and TLS do not go together",
    ],
    ["options of methods beside an operation", ["-d", "{}", "who-am-i"], "--data goes with a method"],
  ])("%s", async (_, words, text) => {
    const { code, stdout, stderr } = await call(words);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(text)]);
  });

  it("a bad document among a stream of them", async () => {
    const { code, stderr } = await call(["shop.v1.ShopService/Haggle", "-"], '{"item":"a"} {"itm":"b"}');
    expect([code, stderr]).toEqual([2, expect.stringContaining("request 2: ")]);
  });

  it("where it listens and who it is", async () => {
    expect((await shell.runWords(["call", method])).stderr).toContain("--address HOST:PORT");
    expect((await shell.runWords(["call", "--address", address, method])).stderr).toContain(
      "--service PRINCIPAL",
    );
  });
});

it("a public method needs no ticket, and no service", async () => {
  const words = ["call", "-c", "./none", "--address", address, "-d", '{"listServices": ""}'];
  const { code, stdout } = await shell.runWords([
    ...words,
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  ]);
  expect(code).toBe(0);
  expect(stdout).toContain("shop.v1.ShopService");
});
