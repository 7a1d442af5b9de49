import { expect, test } from "vitest";
import { peerKey } from "../../../src/rpc/entrance/peer-key.js";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["::FFFF:192.0.2.1", "192.0.2.1"],
  ["2001:db8:0:1::1", "2001:db8:0:1::/64"],
  ["2001:DB8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8:1:2:3::", "2001:db8:1:2::/64"],
  ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80::1%eth0"],
])("%s counts as %s", (address, key) => {
  expect(peerKey(address)).toBe(key);
});

test("neighbours on a link, and neighbouring networks, are peers of their own", () => {
  const all = ["fe80::1", "fe80::2", "2001:db8:0:1::1", "2001:db8:0:2::1", "192.0.2.1", "192.0.2.2"];
  expect(new Set(all.map(peerKey)).size).toBe(all.length);
});
