/** The hosts under which a service may be called. */
import { describe, expect, test } from "vitest";
import { parsePrincipal } from "../../../src/protocol/principal.js";
import { guard } from "../../../src/services/guard/interceptor.js";
import { OwnNames } from "../../../src/services/guard/own-names.js";
import { CHAT_SERVICE, KEYS } from "./by-hand.js";

const LOOPBACK = ["localhost", "127.0.0.1", "::1"];
const far = (names: OwnNames, authority: string, service = CHAT_SERVICE) =>
  names.candidates(authority, service, false);
const near = (names: OwnNames, authority: string, service = CHAT_SERVICE) =>
  names.candidates(authority, service, true);
const principal = (name: string) => parsePrincipal(`${name}@TEST.EXAMPLE`, "service");

describe("by default", () => {
  const names = new OwnNames(undefined);

  test("the instance of the service's principal is its name, in lower case", () => {
    expect(far(names, "api.example.test:443")).toEqual(["api.example.test"]);
    expect(far(names, "other.example.test", principal("chat/API.Example.test"))).toEqual([
      "api.example.test",
    ]);
  });

  test("a service without an instance has no name but loopback's", () => {
    expect(far(names, "chat", principal("chat"))).toEqual([]);
    expect(near(names, "localhost:1", principal("chat"))).toEqual(LOOPBACK);
  });

  test("each principal has its own, whoever asked before", () => {
    expect(far(names, "x", principal("chat/one.test"))).toEqual(["one.test"]);
    expect(far(names, "x", principal("chat/two.test"))).toEqual(["two.test"]);
  });

  test("a name that the client chose is none of them", () => {
    for (const authority of ["evil.test", "api.example.test.evil.test", "xapi.example.test", "", "/run/x"])
      expect(far(names, authority)).toEqual(["api.example.test"]);
  });
});

describe("given names", () => {
  const names = new OwnNames(["api.example.test", "orders.example.test", "192.0.2.1", "2001:db8::1"]);

  test("take the place of the principal's", () => {
    expect(far(names, "x", principal("chat/other.test"))).toEqual([
      "api.example.test",
      "orders.example.test",
      "192.0.2.1",
      "2001:db8::1",
    ]);
    expect(far(new OwnNames([]), "api.example.test")).toEqual([]);
  });

  test.each([
    ["orders.example.test", "orders.example.test"],
    ["ORDERS.example.test:8443", "orders.example.test"],
    ["192.0.2.1:443", "192.0.2.1"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["[2001:DB8::1]", "2001:db8::1"],
  ])("begin with the one that was received: %s", (authority, first) => {
    const found = far(names, authority);
    expect(found[0]).toBe(first);
    expect(new Set(found)).toEqual(new Set(far(names, "x")));
    expect(found).toHaveLength(4);
  });

  test("are hosts of any kind", () => {
    const hosts = ["localhost", "a", "my_service", "xn--bcher-kva.test", "10.0.0.1", "::1", "API.test"];
    expect(far(new OwnNames(hosts), "x")).toEqual(hosts.map((host) => host.toLowerCase()));
  });

  test.each([
    "",
    "api.example.test:443",
    "https://api.example.test",
    "api.example.test/",
    "[::1]",
    "::zz",
    "1:2",
    "a b",
    "*.example.test",
    "-a",
    "a\n",
    "/run/socket",
    7,
    null,
    undefined,
  ])("are refused where one is no host: %j", (host) => {
    expect(() => new OwnNames(["a", host as string])).toThrow(
      new TypeError(`authorities: expected a host without scheme or port, got ${JSON.stringify(host)}`),
    );
  });

  test("are at most 16, in a list", () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `host-${i}.test`);
    expect(far(new OwnNames(many(16)), "x")).toHaveLength(16);
    for (const wrong of [many(17), "api.example.test", 7, null])
      expect(() => new OwnNames(wrong as string[])).toThrow(
        new TypeError("authorities: expected a list of at most 16 hosts"),
      );
    expect(() => guard({ keytab: () => KEYS, authorities: many(17) })).toThrow(TypeError);
  });
});

describe("loopback's names", () => {
  const names = new OwnNames(undefined);

  test.each(["localhost:50051", "127.0.0.1:1", "[::1]:1", "LOCALHOST", "", "/run/socket", "%2Frun%2Fsocket"])(
    "are a peer's on this machine: %s",
    (authority) => {
      const found = near(names, authority);
      expect(LOOPBACK).toContain(found[0]);
      expect(new Set(found)).toEqual(new Set(["api.example.test", ...LOOPBACK]));
    },
  );

  test("are in all spellings", () => {
    expect(near(names, "127.9.9.9:1")[0]).toBe("127.9.9.9");
    expect(near(names, "[0:0:0:0:0:0:0:1]:1")[0]).toBe("0:0:0:0:0:0:0:1");
  });

  test.each(["localhost", "127.0.0.1", "[::1]", "127.9.9.9", ""])("are no other peer's: %s", (authority) => {
    expect(far(names, authority)).toEqual(["api.example.test"]);
    // Whoever asked before: what is remembered is remembered of its peer.
    near(names, authority);
    expect(far(names, authority)).toEqual(["api.example.test"]);
  });

  test("do not take the place of the service's own", () => {
    expect(near(names, "api.example.test:443")).toEqual(["api.example.test", ...LOOPBACK]);
    expect(near(names, "evil.test")).toEqual(["api.example.test", ...LOOPBACK]);
  });
});

test("what is remembered is the right answer, however many authorities are asked for", () => {
  const names = new OwnNames(["a.test", "b.test"]);
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 1_000; i++) expect(far(names, `host-${i}.test`)).toEqual(["a.test", "b.test"]);
  expect(far(names, "b.test")).toEqual(["b.test", "a.test"]);
});
