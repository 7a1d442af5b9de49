import { describe, expect, it } from "vitest";
import type { KeytabEntry } from "../../src/formats/keytab.js";
import { keyVersions } from "../../src/formats/keytab-versions.js";
import { etypeOf } from "../../src/protocol/etypes.js";
import { randomKey } from "../../src/protocol/keys.js";
import { parsePrincipal } from "../../src/protocol/principal.js";

const kate = parsePrincipal("kate@EXAMPLE.TEST", "kate");
const entry = (kvno: number, timestamp: number, etype = 20): KeytabEntry => ({
  principal: kate,
  kvno,
  timestamp,
  key: randomKey(etypeOf(etype)),
});
const order = (...entries: KeytabEntry[]) => keyVersions(entries, kate).map(({ kvno }) => kvno);

describe("the newest version of a principal's keys", () => {
  it("is the highest number, whatever the time says", () => {
    expect(order(entry(2, 9000), entry(3, 1000), entry(1, 5000))).toEqual([3, 2, 1]);
    expect(order(entry(128, 9000), entry(241, 1000))).toEqual([241, 128]);
    expect(order(entry(241, 1000), entry(128, 9000))).toEqual([241, 128]);
    expect(order(entry(240, 1000), entry(127, 9000))).toEqual([240, 127]);
    expect(order(entry(127, 9000), entry(240, 1000))).toEqual([240, 127]);
  });

  // kinit -k with a keytab of an old writer took 255, which was the old password, where MIT's took 1.
  it("is the later written where a number beyond 240 is followed by one below 128: 8 bits", () => {
    expect(order(entry(255, 1000), entry(1, 2000))).toEqual([1, 255]);
    expect(order(entry(1, 2000), entry(255, 1000))).toEqual([1, 255]);
    expect(order(entry(255, 1000), entry(1, 1000))).toEqual([1, 255]);
    expect(order(entry(241, 1000), entry(127, 2000))).toEqual([127, 241]);
    expect(order(entry(255, 2000), entry(1, 1000))).toEqual([255, 1]);
  });

  it("was written when the last of its keys was", () => {
    expect(order(entry(255, 1000), entry(1, 500), entry(1, 2000, 19))).toEqual([1, 255]);
    expect(order(entry(255, 1000), entry(255, 3000, 19), entry(1, 2000))).toEqual([255, 1]);
  });

  it("comes to an end where each of three is newer than the next", () => {
    expect(order(entry(250, 5000), entry(130, 1000), entry(3, 6000)).sort()).toEqual([130, 250, 3]);
  });

  it("has its keys together, of two of one encryption type the later or else the first", () => {
    const [old, made, other] = [entry(1, 1000), entry(1, 2000), entry(1, 1500, 19)];
    const stranger = { ...entry(9, 9000), principal: parsePrincipal("x@EXAMPLE.TEST", "x") };
    const [version, ...more] = keyVersions([old, made, other, stranger], kate);
    expect(more).toEqual([]);
    expect(new Set(version?.entries)).toEqual(new Set([made, other]));
    expect(keyVersions([stranger], kate)).toEqual([]);
    expect(new Set(keyVersions([other, old, made], kate)[0]?.entries)).toEqual(new Set([made, other]));
    expect(keyVersions([made, old], kate)[0]?.entries).toEqual([made]);
    const twin = entry(1, 2000);
    expect(keyVersions([made, twin], kate)[0]?.entries).toEqual([made]);
  });
});
