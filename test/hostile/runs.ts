/**
 * How much the tests of this folder try, and from which seed. `npm test` is content with little; `npm run
 * test:hostile` asks for the long sizes, through the environment.
 */
import fc from "fast-check";
import { KEPT_SEEDS } from "./kept-seeds.js";

/** Inputs of each decoder. */
export const DECODES = fromEnvironment("TESSERA_FUZZ_DECODES", 5_000);
/** Exchanges whose times are on edges, of each kind. */
export const TIMES = fromEnvironment("TESSERA_FUZZ_TIMES", 1_500);
/** Calls of each RPC on a real socket, in all. */
export const CALLS = fromEnvironment("TESSERA_FUZZ_CALLS", 600);
/** Calls of each RPC that asks for no proof. */
export const PUBLIC_CALLS = fromEnvironment("TESSERA_FUZZ_CALLS", 150);
/** Rounds in which a process is killed while it writes. */
export const KILLS = fromEnvironment("TESSERA_KILL_ROUNDS", 20);
/** Where the inputs begin; a failure prints it. */
export const SEED = fromEnvironment("TESSERA_FUZZ_SEED", Date.now() % 2 ** 31);
/** The most time of one property at the long sizes, in milliseconds. */
export const PATIENCE = 1_200_000;

/** How many runs a seed that once failed gets in every run afterwards. */
const KEPT_RUNS = 500;

/** Tries a property `runs` times, and from each seed that once made it fail. */
export function tried<T>(name: string, property: fc.IProperty<T>, runs: number): void {
  withoutTraces(() => {
    for (const seed of KEPT_SEEDS[name] ?? []) fc.assert(property, { seed, numRuns: KEPT_RUNS });
    fc.assert(property, { seed: SEED, numRuns: runs });
  });
}

/** Has errors not note where they arose, which takes longer than to decode: most of them are caught. */
export function withoutTraces(run: () => void): void {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  try {
    run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** As `tried`, for a property that calls something. */
export async function triedCalls<T>(
  name: string,
  property: fc.IAsyncProperty<T>,
  runs: number,
): Promise<void> {
  for (const seed of KEPT_SEEDS[name] ?? []) await fc.assert(property, { seed, numRuns: KEPT_RUNS });
  await fc.assert(property, { seed: SEED, numRuns: runs });
}

function fromEnvironment(name: string, byDefault: number): number {
  const value = Number(process.env[name] ?? byDefault);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name}: expected a whole number, got ${process.env[name]}`);
  return value;
}
