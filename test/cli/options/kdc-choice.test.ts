import { expect, it } from "vitest";
import { UsageError } from "../../../src/cli/frame/command.js";
import { chosenKdc } from "../../../src/cli/options/kdc-choice.js";

const A = { as: "a:1", tgs: "a:2" };
const B = { as: "b:1", tgs: "c:7" };

it("takes KDCs from options, or else from the environment", () => {
  expect(chosenKdc({}, [])).toBeUndefined();
  expect(chosenKdc({ TESSERA_KDC: " " }, [])).toBeUndefined();
  expect(chosenKdc({ TESSERA_KDC: "a:1 b:1,c:7" }, [])).toEqual([A, B]);
  expect(chosenKdc({ TESSERA_KDC: "a:1" }, ["b:1,c:7"])).toEqual([B]);
  expect(chosenKdc({}, ["b:1,c:7", "a:1"])).toEqual([B, A]);
  expect(chosenKdc({}, ["b:1,c:7 a:1"])).toEqual([B, A]);
});

it("asks DNS where it is told to", () => {
  expect(chosenKdc({ TESSERA_KDC: "dns" }, [])).toBe("dns");
  expect(chosenKdc({ TESSERA_KDC: "a:1" }, ["dns"])).toBe("dns");
});

it("takes hosts alone at the default ports", () => {
  expect(chosenKdc({ TESSERA_KDC: "kdc1 kdc2" }, [])).toEqual([
    { as: "kdc1:8801", tgs: "kdc1:8802" },
    { as: "kdc2:8801", tgs: "kdc2:8802" },
  ]);
});

it.each(["dns a:1", "8801", "a:1,b:2,c:3", "a:1,b"])("%j is wrong usage", (text) => {
  expect(() => chosenKdc({}, [text])).toThrow(UsageError);
});
