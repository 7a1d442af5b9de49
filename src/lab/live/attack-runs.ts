/** The attacks that were run from the page, each in a realm of its own, and how they ended in each scene. */
import { type Attack, isAsExpected, type Outcome } from "../attacks/attack.js";
import { runAttack } from "../attacks/run-attack.js";
import { ATTACKS } from "../attacks/table.js";
import type { Scene } from "../realm/scene-name.js";
import { LabRefusal } from "./lab-refusal.js";
import type { AttackRun, LiveAttack } from "./live-state.js";

/** What has been run. Invariant: one attack is under way at a time. */
export class AttackRuns implements AsyncDisposable {
  readonly #tell: (attack: LiveAttack) => void;
  readonly #runs = new Map<Attack, Partial<Record<Scene, AttackRun>>>();
  #isRunning = false;
  /** What is under way; never rejects. */
  #run: Promise<void> = Promise.resolve();

  /** @param tell told of an attack whenever a step of it was taken, and when it has ended. */
  constructor(tell: (attack: LiveAttack) => void) {
    this.#tell = tell;
  }

  /** Every attack, and how it ended where it was run. */
  all(): LiveAttack[] {
    return ATTACKS.map((attack) => this.#of(attack));
  }

  /**
   * Begins an attack in a realm of a scene.
   * @throws LabRefusal BAD_REQUEST for an unknown one; NOT_NOW while another is under way.
   */
  begin(name: string, scene: Scene): void {
    const attack = ATTACKS.find((one) => one.name === name);
    if (attack === undefined) throw new LabRefusal("BAD_REQUEST", `no attack ${JSON.stringify(name)}`);
    if (this.#isRunning) throw new LabRefusal("NOT_NOW", "an attack is under way: wait for its end");
    this.#isRunning = true;
    const steps: string[] = [];
    const told = (more: Omit<AttackRun, "steps">) => {
      this.#runs.set(attack, { ...this.#runs.get(attack), [scene]: { steps: [...steps], ...more } });
      this.#tell(this.#of(attack));
    };
    told({ isRunning: true });
    this.#run = runAttack(attack, scene, (step) => {
      steps.push(step);
      told({ isRunning: true });
    })
      .then(({ outcome }) => verdictOf(outcome, attack, scene))
      .catch((error: unknown) => ({ failure: String(error) }))
      .then((end) => {
        this.#isRunning = false;
        told({ isRunning: false, ...end });
      });
  }

  /** Waits for the end of what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run;
  }

  #of(attack: Attack): LiveAttack {
    const { name, title, topic, has, lesson } = attack;
    return { name, title, topic, has, lesson, runs: this.#runs.get(attack) ?? {} };
  }
}

function verdictOf(outcome: Outcome, attack: Attack, scene: Scene): Partial<AttackRun> {
  return { outcome, isAsExpected: isAsExpected(outcome, attack.expected[scene]) };
}
