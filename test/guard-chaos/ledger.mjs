// What became of all calls, from the lines that the processes and the clients wrote, and what must hold.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A connection that broke is felt within, in milliseconds. */
const FELT_MS = 2_000;

const MORE_REQUIRED = "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED";

const linesOf = (path) => readFileSync(path, "utf8").split("\n").filter(Boolean);

/** Reads what the processes wrote. */
function readRuns(folder) {
  const runs = new Map();
  const refused = new Set();
  const replayed = [];
  const answers = {};
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".log")))
    for (const line of linesOf(join(folder, file))) {
      const [what, attempt, more] = line.split(" ");
      if (what === "answered") answers[more] = (answers[more] ?? 0) + 1;
      else if (what === "refused") refused.add(attempt);
      else runs.set(attempt, [...(runs.get(attempt) ?? []), file]);
      if (what === "replayed") replayed.push({ attempt, file });
    }
  return { runs, refused, replayed, answers };
}

const resultsIn = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".results"))
    .flatMap((name) => linesOf(join(folder, name)).map((line) => JSON.parse(line)));

/** @param balancer which says when connections ended, and which of them because their process was killed. */
export function readLedger(folder, balancer) {
  const { runs, refused, replayed, answers } = readRuns(folder);
  // What a process has neither run nor refused comes for the first time: after its GOAWAY it throws away, unread,
  // the calls that cross it, and their client makes another attempt.
  const hasCome = ({ attempt }) => refused.has(attempt) || runs.get(attempt).length > 1;
  const results = resultsIn(folder);
  const wasKilled = during(balancer.broken);
  const hasMoved = during(balancer.ended);
  const ended = (...codes) => results.filter(({ code }) => codes.includes(code));
  const ok = ended("OK");
  const cancelled = ended("CANCELLED").filter(({ kind }) => kind === "cancelled");
  const killed = ended("UNAVAILABLE").filter(wasKilled);
  // Refused by one process for want of its challenge, repeated, and then at another one: both refuse, and run
  // nothing. The second refusal goes to the application (docs/guard.md, "Repeats").
  const moved = ended("UNAUTHENTICATED").filter((call) => call.reason === MORE_REQUIRED && hasMoved(call));
  const accounted = new Set([...ok, ...cancelled, ...killed, ...moved]);
  return {
    calls: results.length,
    kinds: count(results.map(({ kind }) => kind)),
    answered: ok.length,
    cancelled: cancelled.length,
    killed: killed.length,
    movedTwice: moved.length,
    attempts: results.reduce((sum, { attempts }) => sum + attempts, 0),
    ran: runs.size,
    replayAnswers: answers,
    discardedUnreadThenDelivered: replayed.filter((one) => !hasCome(one)).length,
    /** Each of these must be empty. */
    faults: {
      "replays that were let in": replayed.filter(hasCome),
      "attempts that ran more than once": [...runs].filter(([, files]) => files.length > 1),
      "answers of other calls": ok.filter(({ isOwn }) => !isOwn),
      "answers that no handler gave": ok.filter(({ attempt }) => !runs.has(attempt)),
      "calls that were not answered": results.filter((result) => !accounted.has(result)),
    },
  };
}

function count(names) {
  const counts = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Whether one of these happened to a call's channel while it ran. */
function during(happened) {
  const byDoor = new Map();
  for (const { door, at } of happened) byDoor.set(door, [...(byDoor.get(door) ?? []), at]);
  return ({ door, began, ended }) =>
    byDoor.get(door)?.some((at) => at >= began - FELT_MS && at <= ended + FELT_MS) === true;
}
