// What became of each attempt: from the runs that the processes wrote down, before anything was answered.
//
// A replay that is let in is one of two things. Either its attempt had never run: its process died, or threw
// it away unread at a GOAWAY, or another process refused it; then it is delivered late, and that is counted.
// Or it is one of the faults below.

/** An attempt ran, and ran again: at the same process or at another. */
export const SECOND_RUN = "attempts that ran a second time";
/** A process ran an attempt and one that says it repeats it: it marks both when it takes either. */
export const BESIDE_REPEAT = "attempts that ran beside their repeat, at one process";
/** A process refused an attempt, for want of more or as a repeat, and ran it later. */
export const AFTER_REFUSAL = "attempts that ran at a process that had refused them";
/** The clients themselves had a call run twice, without a retry policy. */
export const UNASKED = "calls that their clients had run twice, and are not retried";

/** Methods whose service config asks for several attempts. */
const RETRIED = new Set(["Retried", "Hedged"]);

/**
 * @param runs of handlers: `{ call, method, attempt, repeats, process, isReplay, isRefused }`, those of one
 *   process in their order.
 * @returns the faults, each with the runs that show it, and how many late deliveries there were:
 *   `alone` of calls that ran by no other attempt; `again` of calls that another attempt ran too, which the
 *   process could not know (docs/guard.md, "What is not covered").
 */
export function judge(runs) {
  const faults = { [SECOND_RUN]: [], [BESIDE_REPEAT]: [], [AFTER_REFUSAL]: [], [UNASKED]: [] };
  const late = { alone: 0, again: 0 };
  const firsts = new Map();
  const calls = new Map();
  const seconds = new Set();
  // A late delivery may be written down, or read, before the run of the clients' own: these come first.
  for (const run of [
    ...runs.filter(({ isReplay }) => !isReplay),
    ...runs.filter(({ isReplay }) => isReplay),
  ]) {
    const first = firsts.get(run.attempt);
    if (first === undefined) firsts.set(run.attempt, run);
    else {
      seconds.add(run);
      faults[SECOND_RUN].push([first, run]);
    }
    if (run.isRefused) faults[AFTER_REFUSAL].push([run]);
    const others = calls.get(run.call) ?? [];
    calls.set(run.call, [...others, run]);
  }
  for (const own of calls.values()) {
    for (const run of own) {
      const repeated = own.find((one) => one.attempt === run.repeats && one.process === run.process);
      if (repeated !== undefined) faults[BESIDE_REPEAT].push([repeated, run]);
      if (run.isReplay && !seconds.has(run)) late[own.length === 1 ? "alone" : "again"]++;
    }
    const asked = own.filter(({ isReplay }) => !isReplay);
    if (asked.length > 1 && !RETRIED.has(asked[0].method)) faults[UNASKED].push(asked);
  }
  return { faults, late };
}
