import { connect, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import {
  hostOf,
  isLoopback,
  isLoopbackTarget,
  peerAddress,
  plainAddress,
} from "../../src/rpc/network-address.js";

test.each([
  "127.0.0.1",
  "127.0.0.0",
  "127.255.255.255",
  "::1",
  "0:0:0:0:0:0:0:1",
  "0000::0001",
  "::ffff:127.0.0.1",
  "::FFFF:127.9.9.9",
  "::ffff:7f00:1",
  "localhost",
  "LocalHost",
])("%s is this machine alone", (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each([
  "0.0.0.0",
  "::",
  "10.0.0.1",
  "128.0.0.1",
  "126.255.255.255",
  "::2",
  "fe80::1",
  "::ffff:10.0.0.1",
  "::ffff:128.0.0.1",
  "::127.0.0.1",
  "localhost.example",
  "localhost.",
  "notlocalhost",
  "",
  "127.1",
  "127.0.0.1.example",
  "127.0.0.256",
  "2130706433",
  "[::1]",
  "127.0.0.1:1",
])("%j is not", (host) => {
  expect(isLoopback(host)).toBe(false);
});

test.each([
  "dns:localhost:8803",
  "dns:127.0.0.1",
  "dns:///127.0.0.1:8803",
  "dns:[::1]:8803",
  "dns:::1",
  "ipv4:127.0.0.1:1",
  "ipv4:127.0.0.1:1,127.0.0.2:2",
  "ipv6:[::1]:1,[0:0::1]:2",
  "ipv6:::ffff:127.0.0.1",
  "unix:/run/orders.sock",
  "unix:orders.sock",
  "unix:///run/orders.sock",
])("a channel to %s stays on this machine", (target) => {
  expect(isLoopbackTarget(target)).toBe(true);
});

test.each([
  "dns:api.example.test:443",
  "dns:127.0.0.1.example.test:1",
  "dns://192.0.2.53/localhost:1",
  "dns:127.0.0.1:1,127.0.0.1:2",
  "ipv4:127.0.0.1:1,192.0.2.1:1",
  "ipv4:192.0.2.1:1,127.0.0.1:1",
  "ipv6:[2001:db8::1]:1",
  "xds:localhost:1",
  "xds:///127.0.0.1:1",
  "unixish:/run/orders.sock",
  "not-unix:/run/orders.sock",
  "localhost:1",
  "127.0.0.1",
  "dns:",
  "",
])("a channel to %j may leave it", (target) => {
  expect(isLoopbackTarget(target)).toBe(false);
});

test.each([
  ["127.0.0.1:8801", "127.0.0.1"],
  ["api.example.test:8801", "api.example.test"],
  ["[::1]:8801", "::1"],
  ["[fe80::1]", "fe80::1"],
  ["::1", "::1"],
  ["localhost", "localhost"],
])("the host of %s is %s", (address, host) => {
  expect(hostOf(address)).toBe(host);
});

describe("a peer", () => {
  test.each([
    ["127.0.0.1:1234", "127.0.0.1"],
    ["::1:1234", "::1"],
    ["::ffff:192.0.2.1:1234", "192.0.2.1"],
    ["2001:db8::1:1234", "2001:db8::1"],
    ["unknown", undefined],
  ])("%s has the address %s", (peer, address) => {
    expect(peerAddress(peer)).toBe(address);
  });

  test.each([
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "::1"],
    ["::ffff:7f00:1", "::ffff:7f00:1"],
    ["fe80::1", "fe80::1"],
    ["1::ffff:127.0.0.1", "1::ffff:127.0.0.1"],
  ])("whose socket says %s is plainly %s", (socket, address) => {
    expect(plainAddress(socket)).toBe(address);
  });

  test("over IPv4 of a server for IPv6 too is spelled so by Node, and plain here", async () => {
    const server = createServer().listen(0, "::");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const accepted = new Promise<string>((resolve) => {
      server.once("connection", (socket) => {
        resolve(socket.remoteAddress!);
        socket.destroy();
      });
    });
    const client = connect(port, "127.0.0.1");
    const address = await accepted;
    client.destroy();
    server.close();
    expect(address).toBe("::ffff:127.0.0.1");
    expect(plainAddress(address)).toBe("127.0.0.1");
  });
});
