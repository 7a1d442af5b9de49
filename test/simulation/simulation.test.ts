/** The simulation as it is run: the same seed gives the same bytes, and it finds what is wrong. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const load = (name: string) => import(new URL(`./${name}.mjs`, import.meta.url).href);
const { BUGS } = await load("bugs");
const { plant, planted } = await load("plant");

const MAIN = fileURLToPath(new URL("main.mjs", import.meta.url));
const SEEDS = new URL("seeds.txt", import.meta.url);
/** More than a run takes on a busy machine, in milliseconds. */
const PATIENCE = 240_000;

interface Outcome {
  readonly code: number;
  readonly digest: string;
  readonly exchanges: number;
  readonly violations: readonly { readonly invariant: string }[];
  readonly said: string;
}

/** Runs it in a process of its own, whose globals it takes over. */
function simulate(seed: number, exchanges: number, ...more: string[]): Promise<Outcome> {
  const given = [MAIN, "--json", "--seed", String(seed), "--exchanges", String(exchanges), ...more];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, given, (error, stdout, said) => {
      const code = Number(error?.code ?? 0);
      if (stdout.startsWith("{")) resolve({ code, said, ...JSON.parse(stdout) });
      else reject(new Error(said, { cause: error }));
    });
  });
}

describe("a realm under faults", () => {
  test(
    "holds, and the same seed gives the same bytes",
    async () => {
      const [once, again] = await Promise.all([simulate(1, 800), simulate(1, 800)]);
      expect(once.violations).toEqual([]);
      expect(once.code).toBe(0);
      expect(once.exchanges).toBeGreaterThanOrEqual(800);
      expect(again.digest).toBe(once.digest);
    },
    PATIENCE,
  );

  test(
    "another seed gives others",
    async () => {
      const [one, other] = await Promise.all([simulate(2, 100), simulate(3, 100)]);
      expect(one.violations).toEqual([]);
      expect(other.violations).toEqual([]);
      expect(one.digest).not.toBe(other.digest);
    },
    PATIENCE,
  );

  const kept = readFileSync(SEEDS, "utf8").split("\n");
  for (const line of kept.filter((text) => /^\d/.test(text)))
    test(
      `holds where it once did not: ${line}`,
      async () => {
        const [seed, exchanges] = line.split(" ").map(Number);
        expect((await simulate(seed!, exchanges!)).violations).toEqual([]);
      },
      PATIENCE,
    );
});

describe("a planted bug", () => {
  test(
    "is found, its seed is printed, and the program fails",
    async () => {
      const bug = BUGS.find(({ name }: { name: string }) => name === "a skew of a year");
      const { dist, remove } = plant(bug);
      try {
        const { violations, code, said } = await simulate(1, 2000, "--dist", dist);
        expect(violations).toHaveLength(1);
        expect(code).toBe(1);
        expect(said).toContain("npm run simulate -- --seed 1 --exchanges 2000");
      } finally {
        remove();
      }
    },
    PATIENCE,
  );

  test("for which the build has no text is an error, not a bug that nobody finds", () => {
    const gone = { name: "gone", file: "services/v.js", changes: [["no such text", ""]] };
    expect(() => planted(gone)).toThrow("gone: services/v.js has 0 times");
  });

  test.each(BUGS as { name: string }[])("$name: the build has its text", (bug) => {
    expect(() => planted(bug)).not.toThrow();
  });
});
