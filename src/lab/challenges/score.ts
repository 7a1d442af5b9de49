/** What a learner's work comes to: for `tessera challenge score`, and for the lab's page. Plain JSON. */
import type { Level } from "./challenge.js";
import { CHALLENGES } from "./challenge-table.js";
import type { Owner } from "./flag.js";
import { loadProgress, type Progress, UNTOUCHED } from "./progress.js";

/** How far a challenge has got. */
export type ChallengeStatus = "untouched" | "started" | "solved";

/** One challenge's line of the score. */
export interface ScoreRow {
  readonly name: string;
  readonly title: string;
  readonly level: Level;
  /** `files`: solved with files alone; `realm`: with a realm that runs meanwhile. */
  readonly kind: "files" | "realm";
  readonly status: ChallengeStatus;
  /** What it is worth without hints. */
  readonly points: number;
  /** What it brought; 0 until it is solved. */
  readonly earned: number;
  readonly hints: { readonly shown: number; readonly of: number };
  /** How many flags were wrong. */
  readonly wrong: number;
  /** When the flag was handed in, as ISO 8601. */
  readonly solvedAt?: string | undefined;
}

/** The score of a learner. */
export interface Score {
  /** Undefined for who learns alone. */
  readonly owner?: Owner | undefined;
  readonly earned: number;
  readonly possible: number;
  readonly solved: number;
  /** In the order in which they are best done, from easy to hard. */
  readonly rows: readonly ScoreRow[];
}

/** The score of a learner's folder; of one that is not there, all untouched. Throws as `loadProgress`. */
export async function readScore(dir: string): Promise<Score> {
  return scoreOf(await loadProgress(dir));
}

/** The score of a learner's progress. */
export function scoreOf(progress: Progress | undefined): Score {
  const rows = CHALLENGES.map(({ name, title, level, kind, points, hints }): ScoreRow => {
    const done = progress?.challenges.get(name) ?? UNTOUCHED;
    const { solvedAt, wrong } = done;
    const status = solvedAt !== undefined ? "solved" : done.verifier !== undefined ? "started" : "untouched";
    const earned = solvedAt === undefined ? 0 : pointsAfter(points, done.hints);
    const shown = { shown: Math.min(done.hints, hints.length), of: hints.length };
    return { name, title, level, kind, status, points, earned, hints: shown, wrong, solvedAt };
  });
  const sumOf = (value: (row: ScoreRow) => number) => rows.reduce((sum, row) => sum + value(row), 0);
  return {
    owner: progress?.owner,
    earned: sumOf(({ earned }) => earned),
    possible: sumOf(({ points }) => points),
    solved: sumOf(({ status }) => (status === "solved" ? 1 : 0)),
    rows,
  };
}

/** What a challenge brings after so many hints: each costs a fifth of its points. */
export function pointsAfter(points: number, hints: number): number {
  return Math.max(0, (points / 5) * (5 - hints));
}
