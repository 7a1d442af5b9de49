/**
 * A trial of an LMDB database: the driver reads every record in a process of its own. What the driver can't
 * bear (a missing page: SIGBUS, a wrong offset: SIGSEGV) ends that process, and becomes a sentence here.
 */
import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { damageOfLmdbFile } from "./file-check.js";

/** The longest trial, in milliseconds: on a damaged tree the driver may go in circles. */
const PATIENCE_MS = 120_000;

/** What the process runs, with the driver's path and the database's folder as its arguments. */
const PROGRAM = `
const [driver, path] = process.argv.slice(1);
const { open } = require(driver);
const options = { readOnly: true, noSubdir: false, encoding: "binary", keyEncoding: "binary", useVersions: true };
for (const { value } of open({ path, ...options }).getRange()) if (value === undefined) throw new Error("no value");
`;

/** What is wrong with the database in a folder, in words; undefined if all of it can be read. */
export async function examineLmdbStore(dir: string): Promise<string | undefined> {
  const file = join(dir, "data.mdb");
  // Before the first record there is no file, or an empty one.
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined;
  return damageOfLmdbFile(file, true) ?? (await triedInProcess(dir));
}

/** What becomes of a process that reads the database. */
export function triedInProcess(dir: string): Promise<string | undefined> {
  const driver = createRequire(import.meta.url).resolve("lmdb");
  return new Promise((resolve) => {
    const options = { timeout: PATIENCE_MS, killSignal: "SIGKILL" } as const;
    execFile(process.execPath, ["-e", PROGRAM, driver, dir], options, (error, _stdout, stderr) => {
      if (error === null) resolve(undefined);
      else if (error.killed) resolve(`the driver did not come to an end in ${PATIENCE_MS / 1000} s`);
      else if (error.signal) resolve(`reading it ended a process with ${error.signal}`);
      else resolve(/^\w*Error: .*$/m.exec(stderr)?.[0] ?? `reading it ended a process with ${error.code}`);
    });
  });
}
