/** Connect's clients with tickets on their calls; the service is grpc-js's, with the guard on it. */
import { promisify } from "node:util";
import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import * as grpc from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../../src/connect/refusal.js";
import { type TicketTransportOptions, ticketTransport } from "../../src/connect/transport.js";
import { callerOf } from "../../src/services/guard/caller.js";
import type { GuardOptions } from "../../src/services/guard/config.js";
import { guard } from "../../src/services/guard/interceptor.js";
import { createTestRealm } from "../../src/testing/test-realm.js";
import { ALICE, collect, GRPC_NOTES, NoteService, notes, SERVICE } from "./world.js";

type Notes = Client<typeof NoteService>;
// biome-ignore lint/suspicious/noExplicitAny: handlers of all four kinds, without types.
type AnyCall = any;
type Reply = grpc.sendUnaryData<object>;
type Handlers = Record<string, (call: AnyCall, reply: Reply) => void>;

const plain: Handlers = {
  add: (call: AnyCall, reply: Reply) =>
    reply(null, { text: call.request.text, owner: callerOf(call).principal }),
  list: (call: AnyCall) => {
    for (const text of ["a", "b", "c"]) call.write({ text, owner: callerOf(call).principal });
    call.end();
  },
  addAll: (call: AnyCall, reply: Reply) => {
    let added = 0;
    call.on("data", () => added++);
    call.on("end", () => reply(null, { added }));
  },
  follow: (call: AnyCall) => {
    call.on("data", ({ text }: { text: string }) => call.write({ text, owner: callerOf(call).principal }));
    call.on("end", () => call.end());
  },
};

async function open(guardOptions: Partial<GuardOptions> | "no guard" = {}, handlers: Handlers = {}) {
  const realm = await createTestRealm({ users: { alice: "secret" }, services: [SERVICE] });
  const keys = await realm.keys(SERVICE);
  const interceptors =
    guardOptions === "no guard"
      ? []
      : [guard({ keytab: () => keys, clock: () => realm.now, ...guardOptions })];
  const server = new grpc.Server({ interceptors });
  server.addService(GRPC_NOTES, { ...plain, ...handlers } as grpc.UntypedServiceImplementation);
  const insecure = grpc.ServerCredentials.createInsecure();
  const port = await promisify(server.bindAsync.bind(server))("127.0.0.1:0", insecure);
  const baseUrl = `http://localhost:${port}`;
  const alice = await realm.login("alice");
  const opened: { close(): void }[] = [];
  return {
    client(options: Partial<TicketTransportOptions> = {}): Notes {
      const transport = ticketTransport(alice, SERVICE, { baseUrl, ...options });
      opened.push(transport);
      return createClient(NoteService, transport);
    },
    async [Symbol.asyncDispose]() {
      for (const one of opened) one.close();
      server.forceShutdown();
      await realm.close();
    },
  };
}

const said = (...texts: string[]) => texts.map((text) => ({ text, owner: ALICE }));

test.each(["authenticate", "integrity", "privacy"] as const)(
  "every kind of call goes at %s",
  async (level) => {
    await using world = await open({ protection: level });
    const client = world.client({ tickets: { protection: level } });
    for (let round = 0; round < 2; round++) {
      expect(await client.add({ text: "hello" })).toMatchObject(said("hello")[0]!);
      expect(await collect(client.list({}))).toEqual(said("a", "b", "c"));
      expect(await client.addAll(notes("x", "y"))).toMatchObject({ added: 2 });
      expect(await collect(client.follow(notes("1", "2")))).toEqual(said("1", "2"));
    }
  },
);

test("first calls at once, of every kind, share what must be made for them", async () => {
  await using world = await open();
  const client = world.client();
  const calls = Array.from({ length: 10 }, async () => {
    await Promise.all([
      client.add({}),
      collect(client.list({})),
      client.addAll(notes("x")),
      collect(client.follow(notes("y"))),
    ]);
  });
  await Promise.all(calls);
});

describe("a call fails", () => {
  test("where the service does not prove itself", async () => {
    await using world = await open("no guard", {
      add: (call: AnyCall, reply: Reply) => reply(null, call.request),
      list: (call: AnyCall) => call.end(),
    });
    const client = world.client();
    const failure = await client.add({ text: "hello" }).catch((error) => error);
    expect(failure).toBeInstanceOf(ConnectError);
    expect(failure).toMatchObject({ code: Code.Unauthenticated });
    expect(refusalOf(failure)).toMatchObject({ reason: "KRB_AP_ERR_MUT_FAIL" });
    await collect(client.list({})).then(
      () => expect.fail(),
      (error) => expect(refusalOf(error)).toMatchObject({ reason: "KRB_AP_ERR_MUT_FAIL" }),
    );
  });

  test("as its handler says, with text and trailers", async () => {
    const metadata = new grpc.Metadata();
    metadata.set("x-own", "1");
    metadata.set("x-own-bin", Buffer.from([0, 1, 2]));
    const failed = { code: grpc.status.NOT_FOUND, details: "50 % of “it” #1", metadata };
    await using world = await open({}, { add: (_: AnyCall, reply: Reply) => reply(failed) });
    const error = (await world
      .client()
      .add({})
      .catch((thrown) => thrown)) as ConnectError;
    expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "50 % of “it” #1" });
    expect(error.metadata.get("x-own")).toBe("1");
    expect(Buffer.from(error.metadata.get("x-own-bin") ?? "", "base64")).toEqual(Buffer.from([0, 1, 2]));
    expect(refusalOf(error)).toBeUndefined();
    expect(refusalOf(new Error("another"))).toBeUndefined();
  });

  test("where nobody listens", async () => {
    await using world = await open();
    const client = world.client({
      baseUrl: "http://127.0.0.1:1",
      channelOptions: { "grpc.enable_retries": 0 },
    });
    await expect(client.add({})).rejects.toMatchObject({ code: Code.Unavailable });
  });

  test("rather than go over plaintext to another machine", async () => {
    await using world = await open();
    const client = world.client({ baseUrl: "http://198.51.100.1" });
    await expect(client.add({})).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: expect.stringContaining("plaintext"),
    });
  });

  test("at its deadline, which the service is told", async () => {
    let deadline: unknown;
    await using world = await open(
      {},
      {
        add: (call: AnyCall, reply: Reply) => {
          deadline = call.getDeadline();
          reply(null, {});
        },
      },
    );
    const client = world.client();
    await client.add({}, { timeoutMs: 60_000 });
    expect(Number(deadline) - Date.now()).toBeLessThanOrEqual(60_000);
    await expect(client.add({}, { timeoutMs: 0.001 })).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("when the application gives it up; the service learns of it", async () => {
    let told = () => {};
    const cancelled = new Promise<void>((resolve) => {
      told = resolve;
    });
    await using world = await open(
      {},
      {
        list: (call: AnyCall) => {
          call.on("cancelled", told);
          call.write({ text: "one" });
        },
      },
    );
    const controller = new AbortController();
    const read = (async () => {
      for await (const _ of world.client().list({}, { signal: controller.signal })) controller.abort();
    })();
    await expect(read).rejects.toMatchObject({ code: Code.Canceled });
    await cancelled;
    await expect(world.client().add({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: Code.Canceled,
    });
  });

  test("when its requests do", async () => {
    await using world = await open();
    async function* failing() {
      yield { text: "one" };
      throw new Error("out of ink");
    }
    await expect(world.client().addAll(failing())).rejects.toBeInstanceOf(ConnectError);
  });
});

test("Connect's interceptors see messages and headers, and metadata goes both ways", async () => {
  const seen: unknown[] = [];
  const spy: Interceptor = (next) => async (request) => {
    request.header.set("x-spy", "1");
    const response = await next(request);
    seen.push(
      request.url.endsWith("/notes.v1.NoteService/Add"),
      response.header.get("x-head"),
      response.trailer.get("x-trail"),
    );
    return response;
  };
  await using world = await open(
    {},
    {
      add: (call: AnyCall, reply: Reply) => {
        seen.push(call.metadata.get("x-spy")[0] as string);
        const header = new grpc.Metadata();
        header.set("x-head", "h");
        call.sendMetadata(header);
        const trailer = new grpc.Metadata();
        trailer.set("x-trail", "t");
        reply(null, {}, trailer);
      },
    },
  );
  await world.client({ interceptors: [spy] }).add({});
  expect(seen).toEqual(["1", true, "h", "t"]);
});

test.each([
  [{ baseUrl: "http://localhost:1", protection: "privacy" }, /^ticketTransport: no option "protection"/],
  [{ baseUrl: "http://localhost:1", tickets: { protecton: "privacy" } }, /did you mean protection/],
  [{ baseUrl: "ftp://localhost" }, /^baseUrl: expected http/],
  [{ baseUrl: "localhost:1" }, /^baseUrl: expected http/],
])("wrong options are named: %j", (options, message) => {
  const tickets = { serviceProof: () => Promise.reject(new Error("no ticket is asked for")) };
  expect(() => ticketTransport(tickets, SERVICE, options as never)).toThrow(message);
});
