/** Every attack, carried out in every scene against real servers, ends as its row says. */
import { expect, test } from "vitest";
import { runAttack } from "../../../src/lab/attacks/run-attack.js";
import { ATTACKS } from "../../../src/lab/attacks/table.js";
import { SCENES, type Scene } from "../../../src/lab/realm/scene.js";

const scenes = Object.keys(SCENES) as Scene[];
const runs = ATTACKS.flatMap((attack) => scenes.map((scene) => ({ name: attack.name, scene, attack })));

test.for(runs)("$name in $scene", async ({ attack, scene }) => {
  const { outcome, steps } = await runAttack(attack, scene);
  const ended = outcome.verdict === "ALLOWED" ? "ALLOWED" : [outcome.by, outcome.at];
  expect(ended, JSON.stringify({ outcome, steps }, undefined, 2)).toEqual(attack.expected[scene]);
});
