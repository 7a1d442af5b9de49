/** Clients and services that meet without a socket: the seam below both run times. */
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { KrbError } from "../../src/protocol/krb-error.js";
import { RpcError } from "../../src/rpc/rpc-error.js";
import { addService } from "../../src/rpc/server-runtime.js";
import type { Transport, TransportOptions } from "../../src/rpc/transport.js";
import { Dispatcher } from "../simulation/dispatcher.mjs";
import { plain, TestClient, TestService } from "./test-service.js";

type Handlers = Partial<typeof plain>;

/** A client whose calls go straight to the handlers. */
function direct(handlers: Handlers = {}) {
  const dispatcher = new Dispatcher();
  addService(dispatcher, TestService, { ...plain, ...handlers });
  const seen: { method: string; options: TransportOptions }[] = [];
  let closed = 0;
  const transport: Transport = {
    async unary(method, request, options) {
      seen.push({ method, options });
      const metadata = options.metadata ?? new grpc.Metadata();
      const call = { method, request, metadata, peer: "client", authority: "server" };
      const { status, response, headers, trailers } = await dispatcher.unary({
        ...call,
        deadline: options.deadline,
      });
      if (headers) options.onHeaders?.(headers);
      if (status) throw status;
      if (trailers) options.onTrailers?.(trailers);
      return response;
    },
    close: () => {
      closed++;
    },
  };
  return { client: new TestClient(transport, { timeoutMs: 5_000 }), seen, closed: () => closed };
}

/** Whatever a promise is rejected with. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

test("a unary call needs no socket: its handler knows who calls, by when, and what came with it", async () => {
  const { client, seen } = direct({
    async say(request, context) {
      context.headers.set("x-headers", "first");
      context.trailers.set("x-trailers", "last");
      const { method, peer, authority, deadline, metadata } = context;
      const left = Math.round((deadline!.getTime() - Date.now()) / 1000);
      return { value: [request.value, method, peer, authority, left, metadata.get("x-asked")].join(" ") };
    },
  });
  const metadata = new grpc.Metadata();
  metadata.set("x-asked", "so");
  const told: unknown[] = [];
  const { value } = await client.say("hello", {
    metadata,
    onHeaders: (headers) => told.push(headers.get("x-headers")),
    onTrailers: (trailers) => told.push(trailers.get("x-trailers")),
  });
  expect(value).toBe("hello /tessera.test.v1.TestService/Say client server 5 so");
  expect(told).toEqual([["first"], ["last"]]);
  expect(seen[0]?.method).toBe("/tessera.test.v1.TestService/Say");
  const deadline = Date.now() + 60_000;
  await client.say("x", { deadline });
  expect(seen[1]?.options.deadline).toBe(deadline);
});

test("refusals and failures arrive as over grpc-js", async () => {
  const { client } = direct({
    async say({ value }) {
      if (value === "krb") throw new KrbError("KRB_AP_ERR_REPEAT", "came before", { seen: "1" });
      throw new Error("secret");
    },
  });
  const refusal = await rejection(client.say("krb"));
  expect(refusal).toBeInstanceOf(KrbError);
  expect(refusal).toMatchObject({ reason: "KRB_AP_ERR_REPEAT", details: { seen: "1" } });
  const failure = await rejection(client.say("other"));
  expect(failure).toBeInstanceOf(RpcError);
  expect(failure).toMatchObject({ code: grpc.status.INTERNAL, details: "internal error" });
});

test("a transport that is no channel carries no streams, and has none", async () => {
  const { client } = direct();
  await expect(client.count(1).next()).rejects.toThrow("carries unary calls only");
  await expect(client.sum([])).rejects.toThrow("carries unary calls only");
  await expect(client.echo([]).next()).rejects.toThrow("carries unary calls only");
  expect(() => client.channel).toThrow(TypeError);
});

test("a client closes its transport, once", async () => {
  const { client, closed } = direct();
  client.close();
  client.close();
  expect(closed()).toBe(1);
  await expect(client.say("x")).rejects.toThrow("the client is closed");
});
