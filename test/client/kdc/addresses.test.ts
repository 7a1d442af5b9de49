import { expect, test } from "vitest";
import {
  addressesOf,
  parseKdcAddresses,
  parseKdcList,
  splitAddress,
} from "../../../src/client/kdc/addresses.js";

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

test("several KDCs are separated by spaces, and each of their halves is asked once", () => {
  const kdcs = parseKdcList(" a:1  b:1,c:7\tb:1,c:7 [::1]:1 ");
  expect(kdcs).toEqual([
    { as: "a:1", tgs: "a:2" },
    { as: "b:1", tgs: "c:7" },
    { as: "b:1", tgs: "c:7" },
    { as: "[::1]:1", tgs: "[::1]:2" },
  ]);
  expect(addressesOf(kdcs, "as")).toEqual(["a:1", "b:1", "[::1]:1"]);
  expect(addressesOf(kdcs, "tgs")).toEqual(["a:2", "c:7", "[::1]:2"]);
  expect(parseKdcList("a:1")).toEqual([{ as: "a:1", tgs: "a:2" }]);
});

test.each(["", " ", "a:1 b", "a:1 , b:1", "a:1;b:1"])("%j is no list of KDCs", (text) => {
  expect(() => parseKdcList(text)).toThrow(RangeError);
});
