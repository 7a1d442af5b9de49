/** The host that the proof of a call is bound to. */
import { expect, test } from "vitest";
import { boundHost } from "../../src/rpc/authority.js";

test.each([
  ["api.example.test", "api.example.test"],
  ["api.example.test:443", "api.example.test"],
  ["API.Example.Test:8443", "api.example.test"],
  ["192.0.2.1", "192.0.2.1"],
  ["192.0.2.1:50051", "192.0.2.1"],
  ["[2001:db8::1]:443", "2001:db8::1"],
  ["[2001:DB8::A]", "2001:db8::a"],
  ["2001:db8::1", "2001:db8::1"],
  ["localhost", "localhost"],
  ["localhost:0", "localhost"],
  ["my_service:80", "my_service"],
])("%s is bound to %s", (authority, host) => {
  expect(boundHost(authority)).toBe(host);
});

// grpc-js, grpc-go and gRPC's C core each write something else for a Unix socket.
test.each(["", "localhost", "/run/orders.sock", "%2Frun%2Forders.sock", "%2frun%2forders.sock"])(
  "a Unix socket is localhost: %j",
  (authority) => {
    expect(boundHost(authority)).toBe("localhost");
  },
);

test("is the same for its own answer", () => {
  for (const authority of ["API.test:1", "[::1]:1", "::1", "/x", "127.0.0.1:1"])
    expect(boundHost(boundHost(authority))).toBe(boundHost(authority));
});
