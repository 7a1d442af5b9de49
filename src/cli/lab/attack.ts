/** Lists attacks, shows one, and runs them. */
import type { AttackName } from "../../lab/attacks/names.js";
import { type AttackReport, attackInTurn, runAttack } from "../../lab/attacks/run-attack.js";
import { ATTACKS, attackNamed } from "../../lab/attacks/table.js";
import type { Scene } from "../../lab/realm/scene.js";
import { wrapped } from "../screen/layout.js";
import { Progress } from "../screen/progress.js";
import type { Screen } from "../screen/screen.js";
import {
  attackFacts,
  attackLines,
  listLines,
  matrixLines,
  outcomeLines,
  reportFacts,
  stepLines,
  unexpectedText,
} from "./attack-text.js";

/** Lists the attacks. */
export function listAttacks(screen: Screen, json: boolean): void {
  if (json) screen.printJson({ attacks: ATTACKS.map(attackFacts) });
  else screen.printAll(listLines(ATTACKS));
}

/** Shows an attack. */
export function showAttack(name: AttackName, screen: Screen, json: boolean): void {
  const attack = attackNamed(name);
  const { lesson, figure } = attack;
  if (json) screen.printJson({ ...attackFacts(attack), lesson, figure });
  else screen.printAll(attackLines(attack));
}

/** What `tessera attack run` was asked for. */
export interface AttackRun {
  /** Undefined: all of them. */
  readonly name: AttackName | undefined;
  readonly scenes: readonly Scene[];
  readonly words: readonly string[] | undefined;
  readonly json: boolean;
}

/**
 * Runs one attack, step by step, or all, in a table.
 * @returns the exit code: 0 if each ended as its row says.
 */
export async function runAttacks(run: AttackRun, screen: Screen): Promise<number> {
  const reports = run.name === undefined ? await runAll(run, screen) : await runOne(run, run.name, screen);
  const asExpected = reports.every((report) => report.asExpected);
  if (run.json) screen.printJson({ runs: reports.map(reportFacts), asExpected });
  for (const report of reports) if (!report.asExpected) screen.notice(unexpectedText(report));
  return asExpected ? 0 : 1;
}

async function runOne({ scenes, words, json }: AttackRun, name: AttackName, screen: Screen) {
  const attack = attackNamed(name);
  const reports: AttackReport[] = [];
  const print = (lines: readonly string[]) => void (json || screen.printAll(lines));
  print([`${name}: ${attack.title}`, ""]);
  for (const scene of scenes) {
    print([scene]);
    const report = await runAttack(attack, scene, (step) => print(stepLines(step)), { words });
    print([...outcomeLines(report.outcome), ""]);
    reports.push(report);
  }
  print(wrapped(attack.lesson, 100));
  return reports;
}

async function runAll({ scenes, words, json }: AttackRun, screen: Screen): Promise<AttackReport[]> {
  const reports: AttackReport[] = [];
  const progress = new Progress(screen);
  const total = ATTACKS.length * scenes.length;
  for (const scene of scenes)
    for await (const report of attackInTurn(ATTACKS, scene, { words })) {
      reports.push(report);
      progress.show(reports.length, reports.length / total);
    }
  screen.clearStatus();
  if (!json) screen.printAll(matrixLines(reports, scenes));
  return reports;
}
