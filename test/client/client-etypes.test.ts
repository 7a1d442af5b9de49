import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { followAdvice, MIN_ITERATIONS, profileEtypes } from "../../src/client/client-etypes.js";
import { EtypeInfo2Schema } from "../../src/gen/kerberos/v1/kdc_pb.js";
import { expectRefusal } from "../protocol/refusal.js";

const NONE = new Uint8Array();
const tried = { etype: 20, stringToKey: { salt: "Ra", params: NONE } };

/** A client of realm R, whose salts begin with R. */
const limits = (...permitted: number[]) => ({ permitted, realm: "R" });

function advice(...entries: { etype: number; salt?: string; s2kparams?: Uint8Array }[]) {
  return create(EtypeInfo2Schema, { entries });
}

function iterations(count: number): Uint8Array {
  const params = Buffer.alloc(4);
  params.writeUInt32BE(count);
  return params;
}

test("a profile's clients accept its types, but for those without integrity", () => {
  expect(profileEtypes("standard")).toEqual({ permitted: [20, 19], first: 20 });
  expect(profileEtypes("textbook")).toEqual({ permitted: [20, 19, 16, 3], first: 3 });
});

describe("advice", () => {
  test("is followed in the client's order, not the KDC's", () => {
    const info = advice({ etype: 3, salt: "RA" }, { etype: 19, salt: "RB" });
    expect(followAdvice(info, tried, limits(20, 19, 3))).toEqual({
      etype: 19,
      stringToKey: { salt: "RB", params: NONE },
    });
    expect(followAdvice(info, tried, limits(3, 19))?.etype).toBe(3);
  });

  test("that says what was tried holds nothing new", () => {
    expect(followAdvice(advice({ etype: 20, salt: "Ra" }), tried, limits(20))).toBeUndefined();
  });

  test.each([
    ["another salt", { etype: 20, salt: "Rb" }],
    ["another count", { etype: 20, salt: "Ra", s2kparams: iterations(40_000) }],
  ])("with %s is new", (_, entry) => {
    expect(followAdvice(advice(entry), tried, limits(20))).toMatchObject({ etype: 20 });
  });

  test("with parameters that are no count is left to string-to-key, which refuses them", () => {
    for (const s2kparams of [new Uint8Array(3), new Uint8Array(5)])
      expect(
        followAdvice(advice({ etype: 20, salt: "Ra", s2kparams }), tried, limits(20))?.stringToKey.params,
      ).toEqual(s2kparams);
  });

  test("beneath the client's floor is refused", () => {
    expectRefusal(
      () => followAdvice(advice({ etype: 3 }, { etype: -1 }), tried, limits(20, 19)),
      "KDC_ERR_ETYPE_NOSUPP",
      {
        offered: "3 -1",
        accepted: "20 19",
      },
    );
    expectRefusal(() => followAdvice(advice(), tried, limits(20)), "KDC_ERR_ETYPE_NOSUPP", { offered: "" });
  });

  test.each([20, 19])("of too few iterations for type %i is refused, of enough is not", (etype) => {
    const count = (value: number) => () =>
      followAdvice(advice({ etype, salt: "Ra", s2kparams: iterations(value) }), tried, limits(20, 19));
    expectRefusal(count(MIN_ITERATIONS - 1), "KDC_ERR_ETYPE_NOSUPP", { asked: "32767", least: "32768" });
    expect(count(MIN_ITERATIONS)()).toMatchObject({ etype });
  });

  test.each(["", "x", "Q", "R"])("with a salt that is not of the client's realm is refused: %j", (salt) => {
    expectRefusal(
      () => followAdvice(advice({ etype: 20, salt }), tried, limits(20)),
      "KDC_ERR_ETYPE_NOSUPP",
      {
        salt,
        realm: "R",
      },
    );
  });
});
