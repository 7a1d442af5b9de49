/** Which calls the guard stands in. */
import * as grpc from "@grpc/grpc-js";
import { expect, test } from "vitest";
import { GuardedServerCall } from "../../../src/services/guard/call.js";
import { guard } from "../../../src/services/guard/interceptor.js";
import { KEYS, methodOf, openCall } from "./by-hand.js";

const OPTIONS = { keytab: () => KEYS, replayCache: { store: async () => {} } };

test("the guard stands in every call but those of public methods, which pass as they are", () => {
  const interceptor = guard({ ...OPTIONS, public: ["chat.v1.Chat/say"] });
  const below = openCall().below as unknown as grpc.ServerInterceptingCallInterface;
  expect(interceptor(methodOf("say") as never, below)).toBe(below);
  const guarded = interceptor(methodOf("list") as never, below);
  expect(guarded).toBeInstanceOf(GuardedServerCall);
  expect(guarded).toBeInstanceOf(grpc.ServerInterceptingCall);
});

test("a wrong option is named when the server is assembled", () => {
  expect(() => guard({ ...OPTIONS, protection: "none" as never })).toThrow(/^protection: /);
});
