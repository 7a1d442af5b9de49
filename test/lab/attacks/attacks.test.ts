/**
 * Every attack, carried out in every scene against real servers, ends as its row says; one after the other in
 * the same realm, as people do who play.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ATTACKS, attackNamed } from "../../../src/lab/attacks/table.js";
import { type LabRealm, startLabRealm } from "../../../src/lab/realm/lab-realm.js";
import { SCENES, type Scene } from "../../../src/lab/realm/scene.js";

/** Few: what a list holds is not looked at here. */
const WORDS = ["secret", "letmein", "sunshine"];

describe.each(Object.keys(SCENES) as Scene[])("%s", (scene) => {
  let realm: LabRealm;
  beforeAll(async () => {
    realm = await startLabRealm({ scene });
  });
  afterAll(() => realm.close());

  test.for(ATTACKS.map(({ name }) => name))("%s", async (name) => {
    const attack = attackNamed(name);
    const steps: string[] = [];
    const outcome = await attack.run(realm, (step) => void steps.push(step), { words: WORDS });
    const ended = outcome.verdict === "ALLOWED" ? "ALLOWED" : [outcome.by, outcome.at];
    expect(ended, JSON.stringify({ outcome, steps }, undefined, 2)).toEqual(attack.expected[scene]);
    expect(steps.length).toBeGreaterThan(0);
  });
});
