/** Challenges in words: the list, a task, what became of a flag, the score, a class's marks. */
import type { Challenge, Stage } from "../../lab/challenges/challenge.js";
import type { Mark, StudentMarks } from "../../lab/challenges/class-marks.js";
import type { Score, ScoreRow } from "../../lab/challenges/score.js";
import type { HandedIn } from "../../lab/challenges/work.js";
import { CommandError } from "../frame/command.js";
import { counted } from "../screen/counted.js";
import { columns, wrapped } from "../screen/layout.js";

const WIDTH = 100;

/** The list of challenges. */
export function listLines(rows: readonly ScoreRow[]): string[] {
  return columns([
    ["NAME", "LEVEL", "POINTS", "KIND", "STATUS", "TITLE"],
    ...rows.map((row) => [
      row.name,
      row.level,
      String(row.points).padStart(6),
      row.kind,
      row.status === "untouched" ? "-" : row.status,
      row.title,
    ]),
  ]);
}

/** A challenge with its task and the hints that were shown; with its lesson too once it is solved. */
export function showLines(row: ScoreRow, { task, hints, lesson }: Challenge): string[] {
  const { shown, of } = row.hints;
  return [
    `${row.title} (${row.name}, ${row.level}, ${counted(row.points, "point")})`,
    "",
    ...wrapped(task, WIDTH),
    "",
    `${statusText(row)}; hints shown: ${shown} of ${of}`,
    ...(row.status === "untouched" ? [`begin: tessera challenge start ${row.name}`] : []),
    ...hints.slice(0, shown).flatMap((hint, i) => ["", `Hint ${i + 1} of ${of}`, ...wrapped(hint, WIDTH)]),
    ...(row.status === "solved" ? ["", ...wrapped(lesson, WIDTH)] : []),
  ];
}

/** What was begun, and what to do next. */
export function beginningLines(
  { title, name, kind, task }: Challenge,
  scene: Stage["scene"],
  paths: readonly string[],
): string[] {
  return [
    title,
    "",
    ...wrapped(task, WIDTH),
    "",
    ...(scene === "standard"
      ? wrapped(
          "Scene standard: nothing is left out here, and there is no flag. Which check stops you?",
          WIDTH,
        )
      : []),
    "files:",
    ...paths.map((path) => `  ${path}`),
    ...(kind === "realm" ? ["The realm runs; work from another terminal. Ctrl-C ends it."] : []),
    ...(scene === "standard" ? [] : [`hand in: tessera challenge submit ${name} FLAG`]),
  ];
}

/** A flag that was right. */
export function solvedLines(
  { title, lesson, points }: Challenge,
  handedIn: Extract<HandedIn, { readonly verdict: "right" }>,
): string[] {
  const again = handedIn.again ? ", as it was before" : "";
  return [
    `Right${again}: ${title} ${handedIn.points} of ${counted(points, "point")}.`,
    "",
    ...wrapped(lesson, WIDTH),
  ];
}

/** Why a flag does not count. */
export function refusedFlag(
  { name }: Challenge,
  verdict: Exclude<HandedIn["verdict"], "right">,
): CommandError {
  switch (verdict) {
    case "not-a-flag":
      return new CommandError(
        "this is not a flag",
        "flags look like tessera-xxxx-xxxx-xxxx-xxxx",
        "not-a-flag",
      );
    case "foreign":
      return new CommandError(
        "this is a flag of another learner, or of another class",
        "find your own",
        "foreign-flag",
      );
    case "wrong":
      return new CommandError(
        `this is not the flag of ${name}`,
        `one of an earlier start no longer counts; stuck? tessera challenge hint ${name}`,
        "wrong-flag",
      );
  }
}

/** The score. */
export function scoreLines({ owner, rows, earned, possible, solved }: Score): string[] {
  return [
    ...(owner === undefined ? [] : [`${owner.student}, class ${owner.class}`]),
    ...columns([
      ["NAME", "STATUS", "POINTS", "HINTS", "WRONG"],
      ...rows.map((row) => [
        row.name,
        row.status === "untouched" ? "-" : row.status,
        `${row.earned} of ${row.points}`,
        `${row.hints.shown} of ${row.hints.of}`,
        String(row.wrong),
      ]),
    ]),
    `${solved} of ${rows.length} solved, ${earned} of ${counted(possible, "point")}`,
  ];
}

/** The marks of a class, a line for each student. */
export function markLines(students: readonly (StudentMarks & { readonly file: string })[]): string[] {
  return columns([
    ["STUDENT", "POINTS", "SOLVED", "NOT PROVEN", "FILE"],
    ...students.map(({ file, owner, isOurs, earned, marks }) => [
      owner === undefined ? "(nobody)" : isOurs ? owner.student : `${owner.student} (not of this class)`,
      String(earned).padStart(6),
      String(namesOf(marks, "right").length).padStart(6),
      namesOf(marks, "unproven").join(" ") || "-",
      file,
    ]),
  ]);
}

function namesOf(marks: StudentMarks["marks"], wanted: Mark): string[] {
  return Object.keys(marks).filter((name) => marks[name] === wanted);
}

function statusText({ status, earned, solvedAt }: ScoreRow): string {
  if (status === "solved") return `solved on ${solvedAt!.slice(0, 10)} for ${counted(earned, "point")}`;
  return status === "started" ? "started, not solved" : "not started";
}
