/** The scenes: those that run show their hole, and the next one that runs has mended it. */
import { expect, test } from "vitest";
import { attackNamed } from "../../../src/lab/attacks/table.js";
import { SCENES } from "../../../src/lab/realm/scene.js";
import { TEXTBOOK_SCENES, type TextbookScene } from "../../../src/lab/scenes/scene-table.js";

const scenes: readonly TextbookScene[] = TEXTBOOK_SCENES;
const running = scenes.flatMap(({ name, runs, attack }) =>
  runs === undefined ? [] : [{ name, runs, attack }],
);

test("those that run are the lab's, weakest first, under the same names", () => {
  expect(running.map(({ runs }) => runs)).toEqual(Object.keys(SCENES));
  for (const { name, runs } of running) expect(name).toBe(runs);
});

test("the attack of a scene that runs is allowed there", () => {
  for (const { runs, attack } of running) expect(attackNamed(attack).expected[runs], attack).toBe("ALLOWED");
});

test("the hole of textbook-ecb is mended in textbook", () => {
  expect(attackNamed("cut-and-paste").expected.textbook).toEqual(["KRB_AP_ERR_BAD_INTEGRITY", "V"]);
});

test("the holes of the scenes that are told are mended in all that run, but for listening to a password", () => {
  for (const { name, runs, attack } of scenes) {
    if (runs !== undefined || name === "password-to-all") continue;
    for (const expected of Object.values(attackNamed(attack).expected))
      expect(expected, name).not.toBe("ALLOWED");
  }
});
