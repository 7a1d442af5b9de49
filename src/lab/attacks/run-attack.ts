/** Runs an attack and reports: in a realm of its own, or in one that runs already. */
import { type LabRealm, startLabRealm } from "../realm/lab-realm.js";
import type { Scene } from "../realm/scene.js";
import { type Attack, type AttackChoice, isAsExpected, type Outcome, type Told } from "./attack.js";

/** An attack that has been run. */
export interface AttackReport {
  readonly attack: Attack;
  readonly scene: Scene;
  readonly steps: readonly string[];
  readonly outcome: Outcome;
  /** Whether it ended as its row says. */
  readonly asExpected: boolean;
}

/** Starts a realm of a scene, attacks it, and ends it. */
export async function runAttack(
  attack: Attack,
  scene: Scene,
  told?: Told,
  choice?: AttackChoice,
): Promise<AttackReport> {
  await using realm = await startLabRealm({ scene });
  return await attackRealm(attack, realm, told, choice);
}

/** Attacks a realm that runs already. */
export async function attackRealm(
  attack: Attack,
  realm: LabRealm,
  told: Told = () => {},
  choice: AttackChoice = {},
): Promise<AttackReport> {
  const { scene } = realm;
  const steps: string[] = [];
  const tell: Told = (step) => {
    steps.push(step);
    told(step);
  };
  const outcome = await attack.run(realm, tell, choice);
  return { attack, scene, steps, outcome, asExpected: isAsExpected(outcome, attack.expected[scene]) };
}

/** Attacks one realm of a scene with one attack after the other, and ends it. */
export async function* attackInTurn(
  attacks: readonly Attack[],
  scene: Scene,
  choice?: AttackChoice,
): AsyncGenerator<AttackReport> {
  await using realm = await startLabRealm({ scene });
  for (const attack of attacks) yield await attackRealm(attack, realm, undefined, choice);
}
