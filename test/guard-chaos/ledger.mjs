// What became of all calls, from the lines that the processes and the clients wrote, and what must hold.
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { judge } from "./verdict.mjs";

/** A connection that broke is felt within, in milliseconds. */
const FELT_MS = 2_000;

/** What grpc-js says where a process that is closing the connection has thrown a call away unread, twice. */
const UNREAD = "Stream refused by server";
const MORE_REQUIRED = "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED";

/** The lines of all files in a folder whose names end so. */
async function* linesIn(folder, ending) {
  for (const file of readdirSync(folder).filter((name) => name.endsWith(ending)))
    for await (const line of createInterface({ input: createReadStream(join(folder, file)) }))
      yield { file, line };
}

/**
 * Reads what the processes wrote. A line may be cut short where its process was killed: nothing was answered.
 */
async function readRuns(folder) {
  const runs = [];
  const answers = {};
  for await (const { file: process, line } of linesIn(folder, ".log")) {
    const [what, ...words] = line.split("\t");
    if (what === "answered")
      for (const [reason, count] of Object.entries(JSON.parse(words[0])))
        answers[reason] = (answers[reason] ?? 0) + count;
    if (what !== "ran" || words.length !== 9) continue;
    const [name, method, attempt, repeats, peer, isReplay, isRefused, previous, at] = words;
    runs.push({
      name,
      call: name.slice(0, name.lastIndexOf(".")),
      method,
      attempt,
      repeats,
      process,
      peer,
      isReplay: isReplay === "true",
      isRefused: isRefused === "true",
      previous: Number(previous),
      at: Number(at),
    });
  }
  return { runs, answers };
}

/**
 * Reads and judges a run.
 * @param balancer which says when connections ended, and which of them because their process was killed.
 */
export async function readLedger(folder, balancer) {
  const { runs, answers } = await readRuns(folder);
  const { faults, late } = judge(runs);
  const ran = new Set(runs.map(({ name }) => name));
  const ranAtAll = new Set(runs.filter(({ isReplay }) => !isReplay).map(({ call }) => call));
  const wasKilled = during(balancer.broken);
  const hasMoved = during(balancer.ended);
  const kinds = {};
  const ends = { answered: 0, cancelled: 0, killed: 0, thrownAwayTwice: 0, movedThreeTimes: 0 };
  const jumps = {};
  const notOwn = [];
  const notRun = [];
  const notAnswered = [];
  let attempts = 0;
  let slowUploads = 0;
  for await (const { line } of linesIn(folder, ".results")) {
    const call = JSON.parse(line);
    kinds[call.kind] = (kinds[call.kind] ?? 0) + 1;
    attempts += call.attempts;
    if (call.jump > 0) jumps[call.jump] = (jumps[call.jump] ?? 0) + 1;
    if (call.code === "OK") {
      ends.answered++;
      if (!call.isOwn) notOwn.push(call);
      if (!ran.has(call.attempt)) notRun.push(call);
      if (call.kind === "collect" && call.beside > 0) slowUploads++;
    } else if (call.code === "CANCELLED" && call.kind === "cancelled") ends.cancelled++;
    else if (call.code === "UNAVAILABLE" && wasKilled(call)) ends.killed++;
    // gRPC makes such a call anew once by itself, and not twice; nothing ran.
    else if (call.code === "UNAVAILABLE" && call.text === UNREAD && hasMoved(call) && !ranAtAll.has(call.id))
      ends.thrownAwayTwice++;
    // Three processes in a row, of which two were on their way out: the third refusal is the application's.
    else if (call.reason === MORE_REQUIRED && call.attempts >= 3 && hasMoved(call)) ends.movedThreeTimes++;
    else notAnswered.push(call);
  }
  const own = runs.filter(({ isReplay }) => !isReplay);
  const again = (method) => own.filter((run) => run.method === method && run.previous > 0).length;
  return {
    counts: {
      calls: Object.values(kinds).reduce((sum, count) => sum + count, 0),
      kinds,
      ...ends,
      attempts,
      ran: runs.length,
      replayAnswers: answers,
      "late deliveries, of calls that ran by no other attempt": late.alone,
      "late deliveries, of calls that another attempt ran": late.again,
    },
    /** Each of these must have happened. */
    happened: {
      retries: again("Retried"),
      hedges: again("Hedged"),
      "calls that were repeated for a challenge": own.filter(({ repeats }) => repeats !== "-").length,
      goaways: balancer.goaways,
      "goaways for max connection age": balancer.maxAges,
      "cancelled calls": ends.cancelled,
      "slow uploads beside fast calls": slowUploads,
      "requests within a byte of a stream's window": balancer.atTheWindow,
      "requests beyond a stream's window": balancer.beyondTheWindow,
      "jumps of numbers within the window": sum(jumps, (far) => far < 1_024),
      "jumps of numbers to the window's edge": sum(jumps, (far) => far >= 1_024),
    },
    /** Each of these must be empty. */
    faults: {
      ...faults,
      "answers of other calls": notOwn,
      "answers that no handler gave": notRun,
      "calls that were not answered": notAnswered,
    },
  };
}

function sum(counts, isCounted) {
  const counted = Object.entries(counts).filter(([key]) => isCounted(Number(key)));
  return counted.reduce((total, [, count]) => total + count, 0);
}

/** Whether one of these happened to a call's channel while it ran. */
function during(happened) {
  const byDoor = new Map();
  for (const { door, at } of happened) byDoor.set(door, [...(byDoor.get(door) ?? []), at]);
  return ({ door, began, ended }) =>
    byDoor.get(door)?.some((at) => at >= began - FELT_MS && at <= ended + FELT_MS) === true;
}
