/**
 * docs/lessons: its commands run as they are written, one lesson after the other in a folder of its own, and
 * what a lesson quotes of their output is there.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { CHALLENGES } from "../../src/lab/challenges/challenge-table.js";
import { ROOT } from "../package/tarball.js";
import { eventually } from "../support/eventually.js";
import { lessonSteps, lessonText, missingLine, type Seen } from "./lesson-page.js";
import { LessonShell } from "./lesson-shell.js";

const LESSONS = readdirSync(join(ROOT, "docs/lessons")).filter((name) => /^\d/.test(name));

let shell: LessonShell | undefined;
afterEach(async () => {
  await shell?.leave();
  shell = undefined;
});

/** Waits for what is quoted: a server's log has a line only after the answer. */
function see({ shownBy, quoted }: Seen, printed: () => string): Promise<void> {
  const look = () => expect(missingLine(quoted, printed()), printed()).toBeUndefined();
  return shownBy === undefined ? Promise.resolve(look()) : eventually(look);
}

test.each(LESSONS)("the commands of %s run, and print what it quotes", async (name) => {
  shell = new LessonShell();
  let printed = "";
  for (const step of lessonSteps(lessonText(name))) {
    if ("quoted" in step) {
      await see(step, () => (step.shownBy === undefined ? printed : shell!.shown(step.shownBy)));
      continue;
    }
    printed = "";
    for (const command of step.commands) {
      const typed = await shell.type(step.terminal, command);
      expect(typed.code, `${command.line}\n${typed.printed}`).toBe(command.isRefused ? 1 : 0);
      printed += typed.printed;
    }
  }
});

test("what is quoted is looked for in its place, but for what is another each time", () => {
  const printed = "at 2026-11-30T06:38:44.966Z\n  12 bytes  deadbeefdeadbeef\nthe end\n";
  expect(missingLine(["at 2026-01-01T00:00:00Z", " 9 bytes 0123456789"], printed)).toBeUndefined();
  expect(missingLine(["…", "the …"], printed)).toBeUndefined();
  expect(missingLine(["at 2026-01-01T00:00:00Z", "the end"], printed)).toBe("the end");
  expect(missingLine(["the end", "…", "at …"], printed)).toBe("at …");
});

test("what is typed before the first evening finds the command", () => {
  const dir = mkdtempSync(join(tmpdir(), "tessera-evening-"));
  try {
    symlinkSync(join(ROOT, "dist"), join(dir, "dist"));
    const [install, begin, version] = lessonSteps(lessonText("README.md"));
    if (!("commands" in install!) || !("commands" in begin!) || !("quoted" in version!))
      throw new Error("the overview has other blocks");
    const typed = [...install.commands, ...begin.commands].map(({ line }) => line);
    const script = ["npm() { :; }", "shopt -s expand_aliases", ...typed].join("\n");
    const printed = execFileSync("bash", ["-e"], { cwd: dir, input: script, encoding: "utf8" });
    expect(missingLine(version.quoted, printed), printed).toBeUndefined();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("the overview has a row for each lesson, with its challenges", () => {
  const rows = lessonText("README.md").match(/^\| \[\d.*$/gm) ?? [];
  expect(rows.map((row) => /\]\(([^)]+)\)/.exec(row)?.[1])).toEqual(LESSONS);
  for (const [i, row] of rows.entries()) {
    const [, title, minutes, commands, challenges, stages] = row.split("|").map((cell) => cell.trim());
    const text = lessonText(LESSONS[i]!);
    expect(text).toContain(`# ${/^\[([^\]]+)/.exec(title!)![1]}\n`);
    const planned = [...text.matchAll(/^\| (\d+) \| \[/gm)].map(([, part]) => Number(part));
    expect(minutes).toMatch(new RegExp(`^${planned.reduce((sum, part) => sum + part)} \\+ \\d+$`));
    const typed = lessonSteps(text).flatMap((step) => ("commands" in step ? step.commands : []));
    const isTyped = (start: string) => typed.some(({ line }) => line.includes(`tessera ${start}`));
    for (const name of quotedIn(commands!)) expect(isTyped(name), name).toBe(true);
    for (const name of quotedIn(challenges!)) {
      expect(CHALLENGES.map((challenge) => challenge.name)).toContain(name);
      expect(isTyped(`challenge start ${name}`), name).toBe(true);
    }
    const [, section = ""] = text.split("\n## Stage\n");
    for (const stage of stages!.split(", ")) expect(section).toMatch(new RegExp(`\\b${stage}\\b`));
  }
});

function quotedIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
}
