/** Runs an exercise and prints the mark, stage by stage. */
import { ReadableError } from "../../errors/readable-error.js";
import { markTgs, type StageResult } from "../../lab/exercise/mark.js";
import { STAGES } from "../../lab/exercise/stage-table.js";
import { UsageError } from "../frame/command.js";
import type { Screen } from "../screen/screen.js";
import { markFacts, resultLines, stageFacts, summaryLine } from "./exercise-text.js";

/** What `tessera exercise` was asked for, as it was typed. */
export interface ExerciseChoice {
  readonly name: string;
  readonly cmd: string | undefined;
  readonly stage: string | undefined;
  readonly wait: string | undefined;
  readonly list: boolean;
  readonly keepGoing: boolean;
  readonly json: boolean;
}

/** The longest that a server may be waited for, in seconds. */
const MOST_WAIT = 600;

/**
 * Runs the exercise, or lists its stages.
 * @param signal resolves when the process is asked to end.
 * @returns the exit code.
 * @throws UsageError for an exercise, a stage or a time that there is not, or no command.
 */
export async function exercise(
  choice: ExerciseChoice,
  screen: Screen,
  signal: () => Promise<string>,
): Promise<number> {
  const { name, cmd, stage, wait, json } = choice;
  if (name !== "tgs") throw new UsageError("there is one exercise: tgs");
  const number = stage === undefined ? undefined : wholeNumber("--stage", stage, STAGES.length);
  const waitMs = wait === undefined ? undefined : wholeNumber("--wait", wait, MOST_WAIT) * 1000;
  if (choice.list) {
    if (json) screen.printJson({ exercise: name, stages: STAGES.map(stageFacts) });
    else
      STAGES.forEach(
        ({ title, clause }, i) => void screen.print(`${String(i + 1).padStart(2)}  ${title} (${clause})`),
      );
    return 0;
  }
  if (cmd === undefined || cmd.trim() === "") throw new UsageError("--cmd is missing: it starts your server");
  const ended = new AbortController();
  void signal().then((named) => ended.abort(new ReadableError(`the exercise was ended by ${named}`)));
  const results: StageResult[] = [];
  const numbers = number === undefined ? undefined : [number];
  const { keepGoing } = choice;
  for await (const result of markTgs({ command: cmd, numbers, keepGoing, waitMs, signal: ended.signal })) {
    results.push(result);
    if (!json) screen.printAll(resultLines(result));
  }
  const asked = numbers?.length ?? STAGES.length;
  const passed = results.filter((result) => result.passed).length;
  if (json) screen.printJson(markFacts(name, cmd, asked, results));
  else screen.print(summaryLine(passed, asked));
  return passed === asked ? 0 : 1;
}

function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > most)
    throw new UsageError(`${option}: expected a whole number from 1 to ${most}`);
  return value;
}
