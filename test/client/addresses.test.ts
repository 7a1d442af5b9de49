import { expect, test } from "vitest";
import { parseKdcAddresses, splitAddress } from "../../src/client/addresses.js";

test("an AS alone stands before its TGS, at the next port", () => {
  expect(parseKdcAddresses("127.0.0.1:8801")).toEqual({ as: "127.0.0.1:8801", tgs: "127.0.0.1:8802" });
  expect(parseKdcAddresses("[::1]:1")).toEqual({ as: "[::1]:1", tgs: "[::1]:2" });
});

test("AS and TGS may be anywhere", () => {
  expect(parseKdcAddresses("as.example:88,tgs.example:99")).toEqual({
    as: "as.example:88",
    tgs: "tgs.example:99",
  });
});

test.each([
  "",
  ",",
  "a:1,",
  ",a:1",
  "a:1,b:2,c:3",
  "a",
  "a:",
  ":1",
  "a:0",
  "a:65536",
  "a:1x",
  "a b:1",
  "http://a:1",
  "::1:8801",
  "a:1 ,b:2",
])("%j is no address of a KDC", (text) => {
  expect(() => parseKdcAddresses(text)).toThrow(RangeError);
});

test("an AS at the last port needs its TGS named", () => {
  expect(() => parseKdcAddresses("a:65535")).toThrow(RangeError);
  expect(parseKdcAddresses("a:65535,a:1")).toEqual({ as: "a:65535", tgs: "a:1" });
});

test("a host keeps its brackets", () => {
  expect(splitAddress("[fe80::1]:8801")).toEqual({ host: "[fe80::1]", port: 8801 });
});
