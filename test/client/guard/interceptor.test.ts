/** Which calls get a ticket. */
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { GuardedCall } from "../../../src/client/guard/call.js";
import { ticketInterceptor } from "../../../src/client/guard/interceptor.js";
import { methodOf, openCall, SERVICE, ticketSource } from "./by-hand.js";

test("every call gets a ticket but those of public methods, which are made as they are", () => {
  const interceptor = ticketInterceptor(ticketSource(), SERVICE, { public: ["chat.v1.Chat/say"] });
  const below = openCall({ started: false }).below as unknown as grpc.InterceptingCall;
  const asked: grpc.InterceptorOptions[] = [];
  const make = (kind: "say" | "list") => {
    const options = { method_definition: methodOf(kind) as never, deadline: 7 };
    const call = interceptor(options, (given) => {
      asked.push(given);
      return below;
    });
    return { call, options };
  };
  const plain = make("say");
  expect(plain.call).toBe(below);
  expect(asked[0]).toBe(plain.options);
  const guarded = make("list");
  expect(guarded.call).toBeInstanceOf(GuardedCall);
  expect(asked[1]).toEqual({ ...guarded.options, credentials: expect.any(grpc.CallCredentials) });
});

test("health and reflection get none, and nothing need be said", () => {
  const interceptor = ticketInterceptor(ticketSource(), SERVICE);
  const below = openCall({ started: false }).below as unknown as grpc.InterceptingCall;
  const make = (path: string) =>
    interceptor({ method_definition: { ...methodOf("say"), path } as never }, () => below);
  expect(make("/grpc.health.v1.Health/Check")).toBe(below);
  expect(make("/chat.v1.Chat/say")).toBeInstanceOf(GuardedCall);
});

test("a wrong option is named when the client is assembled", () => {
  expect(() => ticketInterceptor(ticketSource(), SERVICE, { protection: "none" as never })).toThrow(
    /^protection: /,
  );
});
