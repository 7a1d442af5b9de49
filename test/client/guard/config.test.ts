/** What a ticket interceptor makes of its options. */
import { expect, test } from "vitest";
import { readInterceptorOptions } from "../../../src/client/guard/config.js";
import { ClientSessions } from "../../../src/client/guard/sessions.js";
import { systemTimer } from "../../../src/rpc/timer.js";
import { SERVICE, ticketSource } from "./by-hand.js";

const tickets = ticketSource();
const read = (options: object = {}) => readInterceptorOptions(tickets, SERVICE, options);

test("nothing need be said", () => {
  expect(read()).toEqual({
    tickets,
    service: SERVICE,
    protection: "authenticate",
    allowInsecureChannel: false,
    publicMethods: expect.anything(),
    sessions: expect.any(ClientSessions),
    timer: systemTimer,
  });
});

test("what is said is taken", () => {
  expect(read({ protection: "privacy", allowInsecureChannel: true })).toMatchObject({
    protection: "privacy",
    allowInsecureChannel: true,
  });
});

test("sessions are asked for unless they are not wanted, by a clock that may be given", () => {
  expect(read({ sessions: true }).sessions).toBeInstanceOf(ClientSessions);
  expect(read({ sessions: false }).sessions).toBeUndefined();
  expect(read({ uptime: () => 7 }).sessions?.uptime).toBe(7);
  const before = performance.now();
  expect(read().sessions?.uptime).toBeGreaterThanOrEqual(before);
});

test("public are health and reflection, and what is listed", () => {
  const found = (path: string, options?: object) => read(options).publicMethods.find(path) !== undefined;
  expect(found("/grpc.health.v1.Health/Check")).toBe(true);
  expect(found("/grpc.reflection.v1.ServerReflection/X")).toBe(true);
  expect(found("/chat.v1.Chat/Say")).toBe(false);
  expect(found("/chat.v1.Chat/Say", { public: ["chat.v1.Chat"] })).toBe(true);
});

test("a wrong option is named", () => {
  expect(() => read({ protection: "none" })).toThrow(
    new TypeError("protection: expected one of call, authenticate, integrity, privacy, got none"),
  );
  expect(() => read({ public: ["chat v1"] })).toThrow(/^public: /);
});

test.each([
  [
    "no service",
    ticketSource(),
    undefined,
    /^ticketInterceptor: expected the service's principal, .* got undefined$/,
  ],
  ["an empty one", ticketSource(), "", /^ticketInterceptor: expected the service's principal/],
  ["options in its place", ticketSource(), {}, /^ticketInterceptor: expected the service's principal/],
  ["no source of tickets", undefined, SERVICE, /^ticketInterceptor: expected a KerberosClient/],
  ["a source that gives none", {}, SERVICE, /^ticketInterceptor: expected a KerberosClient/],
])("%s is refused when the client is assembled", (_, source, service, text) => {
  const make = () => readInterceptorOptions(source as never, service as never, {});
  expect(make).toThrow(TypeError);
  expect(make).toThrow(text);
});
