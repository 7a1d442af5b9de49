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
  "a:1,b",
  "a,",
  "8801",
  "dns",
  "dns,a:1",
  "::1",
  "a;b",
  "a/b",
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

test("a host alone has its AS and its TGS at their default ports", () => {
  expect(parseKdcAddresses("kdc1.example.org")).toEqual({
    as: "kdc1.example.org:8801",
    tgs: "kdc1.example.org:8802",
  });
  expect(parseKdcAddresses("10.0.0.1")).toEqual({ as: "10.0.0.1:8801", tgs: "10.0.0.1:8802" });
  expect(parseKdcAddresses("[::1]")).toEqual({ as: "[::1]:8801", tgs: "[::1]:8802" });
  expect(parseKdcAddresses("as.example,tgs.example")).toEqual({
    as: "as.example:8801",
    tgs: "tgs.example:8802",
  });
  expect(parseKdcAddresses("as.example,tgs.example:99")).toEqual({
    as: "as.example:8801",
    tgs: "tgs.example:99",
  });
  expect(parseKdcAddresses("dns:8801")).toEqual({ as: "dns:8801", tgs: "dns:8802" });
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

test("of several KDCs each may be a host alone", () => {
  expect(parseKdcList("kdc1 kdc2:9001,kdc3:9002 kdc4")).toEqual([
    { as: "kdc1:8801", tgs: "kdc1:8802" },
    { as: "kdc2:9001", tgs: "kdc3:9002" },
    { as: "kdc4:8801", tgs: "kdc4:8802" },
  ]);
});

test.each(["", " ", "a:1 8801", "a:1 dns", "a:1 , b:1", "a:1;b:1"])("%j is no list of KDCs", (text) => {
  expect(() => parseKdcList(text)).toThrow(RangeError);
});
