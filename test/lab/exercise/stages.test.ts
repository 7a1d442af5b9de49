/**
 * The stages against the product's own TGS, which passes all but the last: it keeps no replay cache
 * (docs/design.md, "No replay cache at the KDC").
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Bench, StageFailed } from "../../../src/lab/exercise/bench.js";
import { type ExerciseRealm, startExerciseRealm } from "../../../src/lab/exercise/exercise-realm.js";
import { STAGES } from "../../../src/lab/exercise/stage-table.js";
import { type RunningRealm, runRealm } from "../../../src/services/run-realm.js";

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}.md`, import.meta.url), "utf8");

let realm: ExerciseRealm;
let tgs: RunningRealm;

beforeAll(async () => {
  realm = await startExerciseRealm();
  tgs = await runRealm({ realm: realm.whole, ports: { tgs: 0 } });
});
afterAll(async () => {
  await tgs.stop(0);
  await realm.close();
});

const numbered = STAGES.map((stage, i) => ({ number: i + 1, title: stage.title, stage }));

test("there are twelve, from the health check to the replayed authenticator", () => {
  expect(STAGES).toHaveLength(12);
  expect(STAGES[0]?.title).toBe("answers the health check");
  expect(STAGES[11]?.title).toBe("refuses a replayed authenticator");
});

test.each(numbered.slice(0, 11))("$number: our TGS $title", async ({ stage }) => {
  const bench = new Bench(realm, tgs.address("tgs"), 5000);
  try {
    await stage.run(bench);
  } catch (error) {
    if (!(error instanceof StageFailed)) throw error;
  } finally {
    bench.close();
  }
  expect(bench.probes.length).toBeGreaterThan(0);
  expect(bench.probes.filter(({ isRight }) => !isRight)).toEqual([]);
});

test("12: our TGS answers a copy of a request", async () => {
  const bench = new Bench(realm, tgs.address("tgs"), 5000);
  await expect(STAGES[11]!.run(bench)).rejects.toThrow(StageFailed);
  bench.close();
  expect(bench.probes.at(-1)).toEqual({
    sent: "the same bytes again",
    expected: "UNAUTHENTICATED, KRB_AP_ERR_REPEAT",
    arrived: "a ticket",
    isRight: false,
  });
});

test("docs/exercise.md has the table of them", () => {
  const rows = [...page("exercise").matchAll(/^\| (\d+) \| (.*?) \| (.*?) \|$/gm)];
  const clauseOf = (clause: string) => clause.replace(/[,(] .*?(?:protocol|datagrams)\)?$| \(.*\)$/, "");
  expect(rows.map(([, number, title, clause]) => [number, title, clause])).toEqual(
    STAGES.map(({ title, clause }, i) => [String(i + 1), title, clauseOf(clause)]),
  );
});

test.each(numbered)("$number: docs/protocol.md has the sections that it names", ({ stage }) => {
  for (const name of stage.section.split("; ")) {
    const [section, part] = name.split(/, (?=[A-Z])/);
    expect(page("protocol")).toContain(`\n## ${section}\n`);
    if (part !== undefined) expect(page("protocol")).toMatch(new RegExp(`\\*\\*${part}[.*]`));
  }
});
