/**
 * The primary of `tessera serve --workers`: starts the workers, announces them once, has their log, and hears
 * the signals for all of them. It serves nothing itself.
 */
import type { Cluster } from "node:cluster";
import { availableParallelism } from "node:os";
import { descriptorOf } from "../../../files/secret-file.js";
import { isoTime } from "../../../protocol/kerberos-time.js";
import type { Log, LogLevel } from "../../../services/exchange-log.js";
import { GRACE_MS } from "../../../services/server.js";
import { CommandError, type CommandSurroundings, UsageError } from "../../frame/command.js";
import { afterSignal, type LiveChoice, type Rereading } from "../after-signal.js";
import { announce, usesJson } from "../report.js";
import type { ServeChoice } from "../serve.js";
import { ServerOutputs } from "../server-outputs.js";
import { Crew } from "./crew.js";
import { ORDER_VARIABLE, type WorkerOrder } from "./messages.js";
import { TurnTaking } from "./turn-taking.js";
import { WatchedCrew } from "./watched-crew.js";
import { WorkerProcess } from "./worker-process.js";

/** What has the workers run. */
export interface PrimaryChoice extends ServeChoice {
  /** 0: one for each core. */
  readonly workers: number;
}

/**
 * Has workers serve until a signal; resolves, with the exit code, when all have ended.
 * @param reread what is asked for by now, at SIGHUP.
 * @throws UsageError for what only one process can do; CommandError for a log file that can't be opened, and
 *   when workers end as soon as they start.
 */
export async function serveByWorkers(
  choice: PrimaryChoice,
  around: CommandSurroundings,
  cluster: Cluster,
  reread: Rereading,
): Promise<number> {
  checkShareable(choice);
  // From the start: no signal may end the primary alone.
  const signal = around.signal();
  await using outputs = new ServerOutputs(around.screen, choice, around.now);
  const { screen } = outputs;
  const workers = choice.workers || availableParallelism();
  const log = new HeldLog(outputs);
  await using watched = new WatchedCrew();
  const crew = crewOf({ ...choice, workers }, { ...around, screen }, cluster, { log, watched });
  try {
    await watched.open(choice.metrics, crew);
    const started = await crew.start();
    if ("text" in started) {
      if (started.code === undefined) screen.notice(`the first worker ${started.text}`);
      return started.code || 1;
    }
    announce(started, { json: choice.json, workers: crew.pids, metrics: watched.address }, screen);
    log.release();
    watched.setReady();
    const hearing = { signal, next: around.signal, outputs, log, now: around.now };
    return await hearSignals(crew, { ...hearing, live: choice, reread });
  } finally {
    log.release();
    watched.setReady("finishing");
    await crew.finish();
  }
}

interface Hearing {
  /** The signal that comes first, and the one after it. */
  readonly signal: Promise<string>;
  readonly next: () => Promise<string>;
  readonly outputs: ServerOutputs;
  readonly log: HeldLog;
  readonly now: () => number;
  readonly live: LiveChoice;
  readonly reread: Rereading;
}

/** Does what the signals ask for, until the workers are to end; returns the exit code. */
async function hearSignals(
  crew: Crew,
  { next, outputs, log, now, reread, ...first }: Hearing,
): Promise<number> {
  const { screen } = outputs;
  let { signal, live } = first;
  let replaced = Promise.resolve();
  const replace = async () => {
    const all = await crew.replace();
    screen.notice(
      `SIGUSR2: ${all ? "replaced the workers" : "a new worker did not start; the others go on"}`,
    );
  };
  let reloaded = Promise.resolve();
  const reload = async (logLevel: LogLevel) => {
    await crew.reload(logLevel);
    screen.notice("SIGHUP: read certificates and settings again");
  };
  for (;;) {
    const name = await Promise.race([signal, crew.gaveUp]);
    if (name instanceof CommandError) {
      log.write({ time: isoTime(now()), level: "error", exchange: "worker", text: name.message });
      screen.notice(name.message);
      screen.hint(name.hint ?? "");
      return 1;
    }
    if (name !== "SIGHUP" && name !== "SIGUSR2") {
      screen.notice(`${name}: finishing; again to end at once`);
      return 0;
    }
    signal = next();
    if (name === "SIGUSR2") replaced = replaced.then(replace);
    else {
      live = await afterSignal(live, reread, screen);
      outputs.logLevel = live.logLevel;
      outputs.reopen(live.logFile);
      // Not waited for: a worker that is stuck, or starts, must not keep other signals from being heard.
      const { logLevel } = live;
      reloaded = reloaded.then(() => reload(logLevel));
    }
  }
}

/** The log of the workers and of the primary, which begins when the workers are announced. */
class HeldLog {
  readonly #outputs: ServerOutputs;
  #held: (() => void)[] | undefined = [];

  constructor(outputs: ServerOutputs) {
    this.#outputs = outputs;
  }

  readonly write: Log = (record) => this.#soon(() => this.#outputs.log(record));
  readonly lines = (lines: Uint8Array): void => this.#soon(() => this.#outputs.logLines(lines));

  /** Lets the log begin. */
  release(): void {
    for (const write of this.#held ?? []) write();
    this.#held = undefined;
  }

  #soon(write: () => void): void {
    if (this.#held === undefined) write();
    else this.#held.push(write);
  }
}

function crewOf(
  choice: PrimaryChoice,
  { screen, now, env }: CommandSurroundings,
  cluster: Cluster,
  { log, watched }: { readonly log: HeldLog; readonly watched: WatchedCrew },
): Crew {
  const [program, ...args] = process.argv.slice(1);
  cluster.setupPrimary({ exec: program, args, stdio: ["ignore", "pipe", "pipe", "ipc"] });
  const lines = {
    log: log.lines,
    notices: (bytes: Uint8Array) => void screen.stderr.write(Buffer.from(bytes).toString()),
  };
  const inJson = choice.logFile !== undefined || usesJson(choice.json, screen);
  const turns = new TurnTaking();
  return new Crew({
    order: {
      workers: choice.workers,
      isFirst: true,
      inJson,
      logLevel: choice.logLevel,
      ports: choice.ports,
    },
    fork: (order: WorkerOrder) => {
      // All that the configuration says is in the environment by now: a fault that comes into the file later
      // keeps no worker from starting.
      const forked = cluster.fork({ ...env, TESSERA_CONFIG: "", [ORDER_VARIABLE]: JSON.stringify(order) });
      const worker = new WorkerProcess(forked, lines, choice.graceMs ?? GRACE_MS);
      turns.join(worker, forked.process);
      return worker;
    },
    onEnd: (worker) => {
      watched.keep(worker);
      turns.leave(worker);
    },
    log: (level, { id: worker, pid }, text) =>
      log.write({ time: isoTime(now()), level, exchange: "worker", worker, pid, text }),
  });
}

/** What each worker would have for itself, or only the first could read. */
function checkShareable({ replayCache, notes, tls }: PrimaryChoice): void {
  if (replayCache === "memory:")
    throw new UsageError(
      "--replay-cache memory:: workers must share it, or each would take a copy of the same call; " +
        "lmdb:DIR or redis://HOST",
    );
  if (notes === "memory:") throw new UsageError("--notes memory:: workers must share them; lmdb:DIR");
  for (const [option, path] of Object.entries({ cert: tls.cert, key: tls.key, "client-ca": tls.clientCa }))
    if (path !== undefined && descriptorOf(path) !== undefined)
      throw new UsageError(
        `--tls-${option}: each worker reads the file, a descriptor is read once; name a file`,
      );
}
