/** The skeleton and the solution in Go; skipped, by name, where Go or a module is missing. */
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { GO_LACKS, goBuild } from "../../support/go.js";
import { learnerFolder, mark, remove } from "./learners.js";

const folders: string[] = [];
afterEach(() => remove(...folders.splice(0)));

/** The command of a learner's folder. */
function learner(solved: string | undefined): string {
  const folder = learnerFolder("go", solved);
  folders.push(folder);
  const program = join(folder, "my-tgs");
  expect(goBuild(folder, program)).toBe("");
  return `exec ${program}`;
}

const why = GO_LACKS === "" ? "" : ` (skipped: this machine lacks ${GO_LACKS})`;

describe.skipIf(GO_LACKS !== "")(`a TGS in Go${why}`, { timeout: 300_000 }, () => {
  test("the skeleton passes the first stage alone", async () => {
    const results = await mark(learner(undefined), { keepGoing: false });
    expect(results.map(({ passed }) => passed)).toEqual([true, false]);
    expect(results[1]?.probes[0]?.arrived).toBe("UNIMPLEMENTED, without a Kerberos reason: not written yet");
  });

  test("the solution passes all twelve", async () => {
    const results = await mark(learner("tgs.go"));
    expect(results.flatMap(({ probes }) => probes).filter(({ isRight }) => !isRight)).toEqual([]);
    expect(results.map(({ passed }) => passed)).toEqual(Array(12).fill(true));
  });
});
