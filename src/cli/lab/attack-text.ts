/** Attacks in words and as facts. */
import { type Attack, type Expected, type Outcome, TOPICS } from "../../lab/attacks/attack.js";
import type { AttackReport } from "../../lab/attacks/run-attack.js";
import { SCENES, type Scene } from "../../lab/realm/scene.js";
import { columns, wrapped } from "../screen/layout.js";

const WIDTH = 100;

/** All attacks, topic by topic. */
export function listLines(attacks: readonly Attack[]): string[] {
  const lines = columns(attacks.map(({ name, title }) => [`  ${name}`, title]));
  return TOPICS.flatMap((topic) => [topic, ...lines.filter((_, i) => attacks[i]!.topic === topic), ""]).slice(
    0,
    -1,
  );
}

/** One attack: what it needs, what it teaches, how it ends in each scene. */
export function attackLines({ name, title, has, lesson, figure = [], expected }: Attack): string[] {
  return [
    `${name}: ${title}`,
    "",
    ...wrapped(`Mallory has ${has}.`, WIDTH),
    "",
    ...wrapped(lesson, WIDTH),
    "",
    ...(figure.length === 0 ? [] : [...figure.map((line) => `  ${line}`), ""]),
    ...columns(Object.entries(expected).map(([scene, verdict]) => [`  ${scene}`, expectedText(verdict)])),
  ];
}

/** `ALLOWED`, or `BLOCKED by V: KRB_AP_ERR_REPEAT`. */
export function expectedText(expected: Expected): string {
  return expected === "ALLOWED" ? expected : `BLOCKED by ${checkerText(expected[1])}: ${expected[0]}`;
}

/** How an attack ended, in a line or two. */
export function outcomeLines(outcome: Outcome): string[] {
  const text =
    outcome.verdict === "ALLOWED"
      ? `ALLOWED: ${outcome.gained}`
      : `BLOCKED by ${checkerText(outcome.at)}: ${outcome.by}: ${outcome.text}`;
  const [first = "", ...rest] = wrapped(text, WIDTH - 6);
  return [`  → ${first}`, ...rest.map((line) => `    ${line}`)];
}

/** A step, in a line or two. */
export function stepLines(step: string): string[] {
  const [first = "", ...rest] = wrapped(step, WIDTH - 4);
  return [`  · ${first}`, ...rest.map((line) => `    ${line}`)];
}

/** Where an attack did not end as its row says. */
export function unexpectedText({ attack, scene }: AttackReport): string {
  return `${attack.name} in ${scene}: expected ${expectedText(attack.expected[scene])}`;
}

/** How all of them ended, an attack a line and a scene a column. */
export function matrixLines(reports: readonly AttackReport[], scenes: readonly Scene[]): string[] {
  const names = [...new Set(reports.map(({ attack }) => attack.name))];
  const cell = (name: string, scene: Scene) => {
    const outcome = reports.find((report) => report.attack.name === name && report.scene === scene)?.outcome;
    if (outcome === undefined) return "";
    return outcome.verdict === "ALLOWED" ? "ALLOWED" : `BLOCKED ${shortName(outcome.by)}`;
  };
  return columns([
    ["", ...scenes],
    ...names.map((name) => [name, ...scenes.map((scene) => cell(name, scene))]),
  ]);
}

/** The refusal without what all of a kind have in common. */
function shortName(reason: string): string {
  return reason.replace(/^(?:KRB_AP_ERR|KDC_ERR)_/, "");
}

/** An attack, for programs. */
export function attackFacts({ name, title, topic, has, expected }: Attack) {
  const verdicts = Object.fromEntries(
    Object.entries(expected).map(([scene, one]) => [scene, verdictFacts(one)]),
  );
  return { name, title, topic, has, expected: verdicts };
}

function verdictFacts(expected: Expected) {
  if (expected === "ALLOWED") return { verdict: "ALLOWED" };
  return { verdict: "BLOCKED", by: expected[0], at: expected[1] };
}

/** A run, for programs. */
export function reportFacts({ attack, scene, steps, outcome, asExpected }: AttackReport) {
  const { profile } = SCENES[scene];
  return { attack: attack.name, scene, profile, steps, ...outcome, asExpected };
}

function checkerText(at: string): string {
  return at === "C" ? "the client" : at === "guard" ? "the guard" : at;
}
