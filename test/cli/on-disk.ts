/** A realm's folder that a test's commands work on, without servers. */
import { afterAll, beforeAll } from "vitest";
import { InProcess } from "./in-process.js";
import { NOON } from "./served.js";

/**
 * A shell whose realm is made before the tests of a file and removed after them. Its clock stands at noon.
 */
export function onDisk(options = ""): InProcess {
  const shell = new InProcess();
  shell.now = () => NOON;
  beforeAll(async () => {
    const { code, stderr } = await shell.run(`realm create ${options}`);
    if (code !== 0) throw new Error(stderr);
  });
  afterAll(() => shell.remove());
  return shell;
}

/** What `kadmin getprinc --json` says of a principal. */
export interface PrincipalFacts {
  readonly principal: string;
  readonly kind: string;
  readonly disabled: boolean;
  readonly kvno: number;
  readonly keys: readonly { readonly kvno: number; readonly etype: string; readonly weak: boolean }[];
}

/** A principal as `kadmin getprinc` shows it. */
export async function getPrincipal(shell: InProcess, name: string): Promise<PrincipalFacts> {
  const { stdout } = await shell.run(`kadmin getprinc --json ${name}`);
  return JSON.parse(stdout) as PrincipalFacts;
}

/** The encryption types of a principal's newest keys. */
export async function etypesOf(shell: InProcess, name: string): Promise<string[]> {
  const { kvno, keys } = await getPrincipal(shell, name);
  return keys.filter((key) => key.kvno === kvno).map(({ etype }) => etype);
}
