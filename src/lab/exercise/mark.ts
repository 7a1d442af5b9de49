/**
 * Marks a learner's TGS: runs it in a realm that lacks one, stage by stage.
 *
 * Invariant: whatever the server does, each stage ends in time, and when the marking ends, also early,
 * nothing that it started is left.
 */
import { Bench, type Probe, StageFailed } from "./bench.js";
import { type ExerciseRealm, startExerciseRealm } from "./exercise-realm.js";
import { type Learner, startLearner } from "./learner.js";
import type { Stage } from "./stage.js";
import { STAGES } from "./stage-table.js";

/** How long a server may take until it listens, by default, in milliseconds. */
export const WAIT_MS = 30_000;
/** How long an answer may take, by default, in milliseconds. */
const ANSWER_MS = 5000;
/** How long a server that crashed may take to be seen to, in milliseconds. */
const END_MS = 500;
/** How long it is looked at after a stage that it passed, in milliseconds. */
const LOOK_MS = 20;

/** What to mark. */
export interface MarkOptions {
  /** Starts the server; for the shell. */
  readonly command: string;
  /** The numbers of the stages to run, from 1; all by default. */
  readonly numbers?: readonly number[] | undefined;
  /** Whether to go on after a stage that fails. */
  readonly keepGoing?: boolean | undefined;
  /** How long the server may take until it listens, in milliseconds; 30 s by default. */
  readonly waitMs?: number | undefined;
  /** How long an answer may take, in milliseconds; 5 s by default. */
  readonly answerMs?: number | undefined;
  /** Ends the marking early. */
  readonly signal?: AbortSignal | undefined;
}

/** How a stage went. */
export interface StageResult {
  readonly number: number;
  readonly stage: Stage;
  readonly passed: boolean;
  /** What was tried; the last of a stage that failed tells why, unless `trouble` does. */
  readonly probes: readonly Probe[];
  /** What became of the server itself: `the server ended with exit code 1 …`. */
  readonly trouble: string | undefined;
  /** The last lines that the server printed, where the stage failed. */
  readonly lastLines: readonly string[];
}

/**
 * Runs the stages, and gives each as it ends. After the last one nothing is left of the server.
 * @throws what `signal` was aborted with.
 */
export async function* markTgs(options: MarkOptions): AsyncGenerator<StageResult, void, undefined> {
  const realm = await startExerciseRealm();
  const running: Running = { learner: undefined, stopped: Promise.resolve() };
  // Whatever waits for the server then ends at once.
  const onAbort = () => void stop(running);
  options.signal?.addEventListener("abort", onAbort);
  try {
    for (const number of options.numbers ?? STAGES.map((_, index) => index + 1)) {
      options.signal?.throwIfAborted();
      if (running.learner === undefined) {
        const { learner, listens } = await startLearner(learnerOptions(options, realm));
        running.learner = learner;
        options.signal?.throwIfAborted();
        if (!listens) {
          yield notStarted(number, learner, options);
          return;
        }
      }
      const result = await runStage(number, running.learner, realm, options.answerMs ?? ANSWER_MS);
      options.signal?.throwIfAborted();
      // One that ended, whatever of, is started anew for the next stage.
      if (running.learner.end !== undefined) await stop(running);
      yield result;
      if (!result.passed && options.keepGoing !== true) return;
    }
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
    await stop(running);
    await realm.close();
  }
}

/** The server that runs, if one does, and the end of the one before it. */
interface Running {
  learner: Learner | undefined;
  stopped: Promise<void>;
}

/** Ends the server; resolves once it and the one before it are gone. */
function stop(running: Running): Promise<void> {
  const { learner } = running;
  running.learner = undefined;
  if (learner !== undefined) running.stopped = learner.stop();
  return running.stopped;
}

function learnerOptions({ command, waitMs = WAIT_MS, signal }: MarkOptions, realm: ExerciseRealm) {
  const variables = {
    EXERCISE_REALM: realm.realm,
    EXERCISE_KEYS: realm.keysFile,
    EXERCISE_CLOCK_SKEW: String(realm.clockSkew / 1000),
  };
  return { command, variables, waitMs, signal };
}

async function runStage(
  number: number,
  learner: Learner,
  realm: ExerciseRealm,
  answerMs: number,
): Promise<StageResult> {
  const stage = STAGES[number - 1]!;
  const bench = new Bench(realm, learner.address, answerMs);
  let passed = true;
  try {
    await stage.run(bench);
    await learner.ended(LOOK_MS);
  } catch (error) {
    if (!(error instanceof StageFailed)) throw error;
    passed = false;
    await learner.ended(END_MS);
  } finally {
    bench.close();
  }
  const trouble = learner.end === undefined ? undefined : `the server ${learner.end} in this stage`;
  if (trouble !== undefined) passed = false;
  return { number, stage, passed, probes: bench.probes, trouble, lastLines: passed ? [] : learner.lastLines };
}

function notStarted(number: number, learner: Learner, { waitMs = WAIT_MS }: MarkOptions): StageResult {
  const { end, address, lastLines } = learner;
  const trouble =
    end === undefined
      ? `nothing listens on ${address} after ${waitMs / 1000} s: the server must listen at EXERCISE_PORT`
      : `the server ${end} before it listened on ${address}; it must run until it is ended`;
  return { number, stage: STAGES[number - 1]!, passed: false, probes: [], trouble, lastLines };
}
