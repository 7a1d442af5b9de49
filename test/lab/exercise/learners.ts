/**
 * Servers of learners: the skeletons as they are, with a solution, or with a fault; and commands that are
 * none.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type MarkOptions, markTgs, type StageResult } from "../../../src/lab/exercise/mark.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * A change of one file of a learner's: the text to find, which is there once, and what stands in its place.
 */
export type Change = readonly [file: string, from: string, to: string];

/** The folder of a skeleton. */
export function skeleton(language: string): string {
  return join(ROOT, "examples/exercises", language);
}

/** The file of a solution. */
export function solution(language: string, file: string): string {
  return join(ROOT, "test/lab/exercise/solutions", language, file);
}

/**
 * A skeleton in a folder of its own, with the solution if it is given, and changed; the caller removes it.
 */
export function learnerFolder(language: string, solved: string | undefined, ...changes: Change[]): string {
  const folder = mkdtempSync(join(tmpdir(), `tessera-learner-${language}-`));
  const filter = (path: string) => !/[\\/](?:node_modules|dist|__pycache__)$/.test(path);
  cpSync(skeleton(language), folder, { recursive: true, filter });
  if (solved !== undefined) cpSync(solution(language, solved), join(folder, solved));
  for (const [file, from, to] of changes) {
    const path = join(folder, file);
    const text = readFileSync(path, "utf8");
    if (text.split(from).length !== 2) throw new RangeError(`${file}: "${from}" is not there once`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  return folder;
}

/** Compiles a learner's folder of TypeScript as its package.json does; gives the command. */
export function compiled(folder: string): string {
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc], { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error(stdout);
  return `exec node ${join(folder, "dist/main.js")}`;
}

const PATIENT = { waitMs: 100_000, answerMs: 60_000 };

/** Marks a command to the end, with all the time that a busy machine may need. */
export async function mark(command: string, options: Partial<MarkOptions> = {}): Promise<StageResult[]> {
  const results: StageResult[] = [];
  for await (const result of markTgs({ command, keepGoing: true, ...PATIENT, ...options }))
    results.push(result);
  return results;
}

/** The numbers of the stages that failed. */
export function failures(results: readonly StageResult[]): number[] {
  return results.filter(({ passed }) => !passed).map(({ number }) => number);
}

/** Removes folders. */
export function remove(...folders: readonly string[]): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
