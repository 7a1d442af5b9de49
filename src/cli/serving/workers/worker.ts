/**
 * A worker of `tessera serve --workers`: serves as `tessera serve` does without workers, but for what the
 * primary does for all of them: it announces, it hears the signals, and it has the log.
 */
import type { Worker } from "node:cluster";
import { shareOfLimits } from "../../../rpc/entrance/limits.js";
import type { PrometheusMetrics } from "../../../services/metrics/prometheus.js";
import type { CommandSurroundings } from "../../frame/command.js";
import { describeFailure } from "../../frame/failure.js";
import { SignalQueue } from "../../frame/signal-queue.js";
import { type ServeChoice, serveAs } from "../serve.js";
import { type FromWorker, ORDER_VARIABLE, type ToWorker, type WorkerOrder } from "./messages.js";

/**
 * Serves as one of several workers until it is told to end.
 * @returns the exit code.
 * @throws as `serve`, the first worker of a primary alone: its failure is the command's.
 */
export async function serveAsWorker(
  choice: ServeChoice,
  around: CommandSurroundings,
  worker: Worker,
): Promise<number> {
  const order = JSON.parse(around.env[ORDER_VARIABLE] ?? "{}") as WorkerOrder;
  const { screen } = around;
  try {
    await serveByOrder(order, choice, around, worker);
    return 0;
  } catch (error) {
    if (order.isFirst) throw error;
    const { text, hint } = describeFailure(error, around.now());
    screen.notice(text);
    if (hint !== undefined) screen.hint(hint);
    return 1;
  } finally {
    worker.disconnect();
  }
}

async function serveByOrder(
  { workers, inJson, ports, ...order }: WorkerOrder,
  choice: ServeChoice,
  { screen, ...around }: CommandSurroundings,
  worker: Worker,
): Promise<void> {
  const tell = (message: FromWorker) => void worker.send(message);
  let metrics: PrometheusMetrics | undefined;
  const tellFigures = async () => {
    const snapshot = await metrics?.snapshot();
    if (snapshot !== undefined) tell({ tell: "figures", snapshot });
  };
  let live = { graceMs: choice.graceMs, logFile: undefined, logLevel: order.logLevel };
  worker.on("message", (message: ToWorker) => {
    if (message.tell === "measure") void tellFigures();
    if (message.tell === "reload") live = { ...live, logLevel: message.logLevel };
  });
  // What it prints is printed by the primary, in the end.
  const stdout = Object.create(screen.stdout, { isTTY: { value: !inJson } });
  await serveAs(
    {
      ...choice,
      ...live,
      json: inJson,
      ports,
      limits: shareOfLimits(choice.limits, workers),
    },
    { ...around, screen: screen.over(stdout, screen.stderr), signal: signalsOf(worker) },
    {
      worker: worker.id,
      reread: async () => ({ choice: live, waiting: [] }),
      onReady: (announcement, _, watched) => {
        metrics = watched.metrics;
        tell({ tell: "ready", announcement });
      },
      onReadiness: (unready) => tell({ tell: "readiness", unready }),
      onReloaded: () => tell({ tell: "reloaded" }),
      onEnd: () => {},
    },
  );
  await tellFigures();
}

/** What the primary tells, as the signal that it stands for. */
function signalsOf(worker: Worker): () => Promise<string> {
  const queue = new SignalQueue();
  worker.on("message", (message: ToWorker) => {
    if (message.tell === "reload") queue.add("SIGHUP");
    if (message.tell === "finish") queue.add("SIGTERM");
  });
  // A terminal sends its signals to the workers too, and the primary says what becomes of them. Only SIGTERM
  // may be meant for one worker: another takes its place.
  process.on("SIGTERM", () => {
    const message: FromWorker = { tell: "finishing" };
    worker.send(message, () => {});
    queue.add("SIGTERM");
  });
  for (const name of ["SIGINT", "SIGHUP", "SIGUSR2"] as const) process.on(name, () => {});
  // As in the primary: no signal may find the listeners gone.
  process.once("beforeExit", () => process.exit());
  return () => queue.next();
}
