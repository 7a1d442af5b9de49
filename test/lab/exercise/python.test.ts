/** The skeleton and the solution in Python; skipped, by name, where a module is missing. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { run } from "../../support/buf.js";
import { PYTHON } from "../../support/python.js";
import { learnerFolder, mark, remove, skeleton } from "./learners.js";

const folders: string[] = [];
afterEach(() => remove(...folders.splice(0)));

/** The command of a learner's folder. */
function learner(solved: string | undefined): string {
  const folder = learnerFolder("python", solved);
  folders.push(folder);
  return `exec ${PYTHON.path} -B ${join(folder, "main.py")}`;
}

const { lacks, path } = PYTHON;
const why = lacks === "" ? "" : ` (skipped: ${path} lacks ${lacks})`;

describe.skipIf(lacks !== "")(`a TGS in Python${why}`, () => {
  test("the skeleton passes the first stage alone", async () => {
    const results = await mark(learner(undefined), { keepGoing: false });
    expect(results.map(({ passed }) => passed)).toEqual([true, false]);
    expect(results[1]?.probes[0]?.arrived).toBe("UNIMPLEMENTED, without a Kerberos reason: not written yet");
  });

  test("the solution passes all twelve", async () => {
    const results = await mark(learner("tgs.py"));
    expect(results.flatMap(({ probes }) => probes).filter(({ isRight }) => !isRight)).toEqual([]);
    expect(results.map(({ passed }) => passed)).toEqual(Array(12).fill(true));
  });
});

test("its descriptors are the project's own", async () => {
  const folder = learnerFolder("python", undefined);
  folders.push(folder);
  const made = join(folder, "made.binpb");
  const paths = ["ticket_granting_service.proto", "kdc.proto", "sealed.proto"].map(
    (f) => `proto/kerberos/v1/${f}`,
  );
  const words = [...paths, "proto/google/rpc", "proto/grpc/health"].flatMap((one) => ["--path", one]);
  const built = await run("node_modules/.bin/buf", [
    "build",
    ".",
    "--exclude-source-info",
    "-o",
    made,
    ...words,
  ]);
  expect(built).toMatchObject({ exit: 0 });
  expect(readFileSync(made).equals(readFileSync(join(skeleton("python"), "contract.binpb")))).toBe(true);
});
