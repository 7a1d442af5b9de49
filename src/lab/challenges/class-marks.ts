/** What a teacher does with the seed: tells whose work a student's progress is, and what it is worth. */
import { timingSafeEqual } from "node:crypto";
import { CHALLENGES } from "./challenge-table.js";
import { flagOf, type Owner, ownerTag, receiptOf } from "./flag.js";
import type { Progress } from "./progress.js";
import { pointsAfter } from "./score.js";

/**
 * `right`: solved, and the receipt is one that only this student's flag makes; `unproven`: said to be solved,
 * but the receipt is missing or another's.
 */
export type Mark = "right" | "unproven" | "open";

/** The marks of a student. */
export interface StudentMarks {
  /** Who the progress says it is of; undefined: of nobody in a class. */
  readonly owner: Owner | undefined;
  /** Whether that student is in this class, by this seed. */
  readonly isOurs: boolean;
  readonly earned: number;
  readonly marks: Readonly<Record<string, Mark>>;
}

/** Marks a student's progress with the seed of the class. */
export function marksOf(
  seed: Uint8Array,
  className: string,
  { owner, tag, challenges }: Progress,
): StudentMarks {
  const isOurs = owner?.class === className && ownerTag(seed, owner) === tag;
  const marks: Record<string, Mark> = {};
  let earned = 0;
  for (const { name, points } of CHALLENGES) {
    const done = challenges.get(name);
    if (done?.solvedAt === undefined) marks[name] = "open";
    else {
      const expected = owner && isOurs && receiptOf(flagOf(seed, owner, name), done.solvedAt, done.hints);
      marks[name] = expected && isEqual(expected, done.receipt) ? "right" : "unproven";
      if (marks[name] === "right") earned += pointsAfter(points, done.hints);
    }
  }
  return { owner, isOurs, earned, marks };
}

function isEqual(expected: string, got: string | undefined): boolean {
  return got?.length === expected.length && timingSafeEqual(Buffer.from(got), Buffer.from(expected));
}
