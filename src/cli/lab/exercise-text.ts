/** A mark in words and as facts. */
import type { Probe } from "../../lab/exercise/bench.js";
import type { StageResult } from "../../lab/exercise/mark.js";
import type { Stage } from "../../lab/exercise/stage.js";
import { STAGES } from "../../lab/exercise/stage-table.js";

/** How many of the server's last lines are shown. */
const SHOWN_LINES = 8;

/** The lines of a stage: what was sent, expected and arrived, and who asks for it. */
export function resultLines({ number, stage, passed, probes, trouble, lastLines }: StageResult): string[] {
  const { title, clause, section, hint } = stage;
  const lines = [`stage ${number}: ${title}`, `  by ${clause}; docs/protocol.md, "${section}"`];
  for (const probe of probes) lines.push(...probeLines(probe));
  if (trouble !== undefined) lines.push(`  ${trouble}`);
  if (!passed && trouble === undefined) lines.push(`  hint: ${hint}`);
  if (!passed && lastLines.length > 0)
    lines.push("  the server's last lines:", ...lastLines.slice(-SHOWN_LINES).map((line) => `    ${line}`));
  return [...lines, passed ? "  passed" : "  FAILED", ""];
}

function probeLines({ sent, expected, arrived, isRight }: Probe): string[] {
  if (isRight) return [`  ok    ${sent}: ${arrived}`];
  return [`  WRONG ${sent}`, `        expected  ${expected}`, `        arrived   ${arrived}`];
}

/** The last line: `5 of 12 stages passed`. */
export function summaryLine(passed: number, asked: number): string {
  return `${passed} of ${asked} ${asked === 1 ? "stage" : "stages"} passed`;
}

/** A stage, for programs. */
export function stageFacts({ title, clause, section }: Stage, index: number) {
  return { number: index + 1, title, clause, section };
}

/** The whole mark, for programs; a stage that was not run has no probes. */
export function markFacts(exercise: string, command: string, asked: number, results: readonly StageResult[]) {
  return {
    exercise,
    command,
    asked,
    passed: results.filter((result) => result.passed).length,
    stages: results.map(({ number, stage, passed, probes, trouble, lastLines }) => ({
      ...stageFacts(stage, number - 1),
      result: passed ? "passed" : "failed",
      ...(trouble !== undefined && { trouble }),
      ...(!passed && { hint: stage.hint, lastLines }),
      probes: probes.map(({ sent, expected, arrived, isRight }) => ({
        sent,
        expected,
        arrived,
        right: isRight,
      })),
    })),
    notRun: STAGES.map((_, index) => index + 1).filter((number) =>
      results.every((result) => result.number !== number),
    ),
  };
}
