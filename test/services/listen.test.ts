import { expect, test } from "vitest";
import { profile } from "../../src/protocol/profile.js";
import { checkWeakCrypto, hostPort, ListenError, listenError } from "../../src/services/listen.js";

test("weak types beyond loopback are refused, with their names and every way out", () => {
  const { permitted } = profile("textbook");
  const refuse = () => checkWeakCrypto("0.0.0.0", permitted, false);
  expect(refuse).toThrow(ListenError);
  expect(refuse).toThrow(/weak encryption \([^)]*des-cbc-md5[^)]*\)/);
  expect(refuse).toThrow(/does not listen on 0\.0\.0\.0/);
  expect(refuse).toThrow(/use the standard profile/);
  expect(refuse).toThrow(/insist with --allow-weak-crypto/);
  expect(() => checkWeakCrypto("::", [20, 3], false)).toThrow(ListenError);
  expect(() => checkWeakCrypto("::", [20, 16], false)).toThrow(/des3/);
});

test("strong types listen anywhere, weak ones on loopback or where somebody insists", () => {
  checkWeakCrypto("0.0.0.0", profile("standard").permitted, false);
  checkWeakCrypto("127.0.0.1", profile("textbook").permitted, false);
  checkWeakCrypto("0.0.0.0", profile("textbook").permitted, true);
});

test("an IPv6 address has brackets before its port", () => {
  expect(hostPort("::1", 8801)).toBe("[::1]:8801");
  expect(hostPort("127.0.0.1", 8801)).toBe("127.0.0.1:8801");
});

test.each([
  [
    "listen EADDRINUSE: address already in use 127.0.0.1:88",
    /127\.0\.0\.1:88 is in use: .*choose another port/,
  ],
  ["listen EACCES: permission denied", /not permitted; choose a port above 1023/],
  ["listen EADDRNOTAVAIL: address not available", /this machine has no such address/],
  ["getaddrinfo ENOTFOUND nowhere", /this machine has no such address/],
  ["something else", /127\.0\.0\.1:88: something else/],
])("a bind that failed is said in one line: %s", (message, said) => {
  const error = listenError("127.0.0.1", 88, new Error(message));
  expect(error).toBeInstanceOf(ListenError);
  expect(error.message).toMatch(said);
  expect(error.message).not.toContain("\n");
});
