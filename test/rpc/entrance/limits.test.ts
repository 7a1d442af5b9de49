import { expect, test } from "vitest";
import { readLimits, type ServerLimits, shareOfLimits } from "../../../src/rpc/entrance/limits.js";

test("half of all is one peer's share, unless more is said", () => {
  expect(readLimits()).toMatchObject({
    connections: 4_096,
    connectionsPerPeer: 2_048,
    calls: 4_096,
    callsPerPeer: 2_048,
  });
  expect(readLimits({ connections: 5, calls: 7, callsPerPeer: 6 })).toMatchObject({
    connectionsPerPeer: 3,
    calls: 7,
    callsPerPeer: 6,
  });
});

test("each of several processes keeps to its part, rounded up, in which a message has room", () => {
  const limits = { connections: 5, calls: 8, callsPerPeer: 1, bytes: 40_000, proxies: ["2001:db8::1"] };
  expect(shareOfLimits(limits, 3)).toEqual({
    connections: 2,
    connectionsPerPeer: 1,
    calls: 3,
    callsPerPeer: 1,
    bytes: 16_384,
    bytesPerPeer: 16_384,
    proxies: ["2001:db8::1"],
  });
});

test.each([
  [{ connections: 0 }, RangeError, "limits: connections: expected a whole number from 1 up, got 0"],
  [{ callsPerPeer: 1.5 }, RangeError, "limits: callsPerPeer: expected a whole number from 1 up, got 1.5"],
  [{ proxies: ["proxy.test"] }, TypeError, "limits: proxies: expected IP addresses, got proxy.test"],
  [{ conections: 1 }, TypeError, 'limits: no option "conections"; did you mean connections?'],
])("%j is refused", (options, kind, text) => {
  const read = () => readLimits(options as ServerLimits);
  expect(read).toThrow(kind);
  expect(read).toThrow(text);
});
