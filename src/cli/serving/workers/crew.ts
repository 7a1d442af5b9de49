/**
 * The workers of `tessera serve --workers`: as many as were asked for, whatever becomes of each.
 *
 * Invariants:
 * - One that ends without having been told to is followed by another: at once, or, if it had hardly
 *   listened, after a pause that doubles. After so many of those in a row nobody waits for another.
 * - A replacement listens before the worker that it replaces is told to finish.
 * - All ask for the same ports, so that they share them. Where those were any free ones, and no worker is
 *   left that has them, the next ask for what the first were given.
 */
import { isDeepStrictEqual } from "node:util";
import type { LogLevel } from "../../../services/exchange-log.js";
import type { ServerPart } from "../../../services/run-realm-options.js";
import { CommandError } from "../../frame/command.js";
import type { Announcement } from "../report.js";
import type { WorkerOrder } from "./messages.js";
import type { Ending, WorkerProcess } from "./worker-process.js";

/** A worker that has listened for less, in milliseconds, has ended at once. */
const AT_ONCE_MS = 1_000;
/** So many in a row end the command. */
export const AT_ONCE_LIMIT = 5;
/** The pause after the first of them, in milliseconds. */
const PAUSE_MS = 200;

/** What a crew is made of. */
export interface CrewOptions {
  readonly order: WorkerOrder;
  /** Starts a worker. */
  readonly fork: (order: WorkerOrder) => WorkerProcess;
  /** Told of each worker that has ended. */
  readonly onEnd: (worker: WorkerProcess) => void;
  /** Told of workers that come and go. */
  readonly log: (level: "info" | "error", worker: WorkerProcess, text: string) => void;
}

/** Workers that serve together. */
export class Crew {
  /** Resolves, with the reason, when the workers end as soon as they start. */
  readonly gaveUp: Promise<CommandError>;
  readonly #options: CrewOptions;
  #order: WorkerOrder;
  #giveUp: (error: CommandError) => void = () => {};
  #onFull: () => void = () => {};
  /**
   * Those that serve or start; and all that live, those included that are about to be in it or have left it.
   */
  readonly #workers = new Set<WorkerProcess>();
  readonly #living = new Set<WorkerProcess>();
  /** Of those that are being replaced. */
  #old: ReadonlySet<WorkerProcess> = new Set();
  /** The ports that the workers were given. */
  #given: Partial<Record<ServerPart, number>> | undefined;
  #endedAtOnce = 0;
  #isFinishing = false;
  #pause: NodeJS.Timeout | undefined;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#order = options.order;
    this.gaveUp = new Promise((resolve) => {
      this.#giveUp = resolve;
    });
  }

  /**
   * Starts the workers: one, which shows that the command can be carried out, and then the others.
   * @returns where they listen, once all do; or how the first ended, which has said why.
   * @throws CommandError if the others end as soon as they start.
   */
  async start(): Promise<Announcement | Ending> {
    const first = this.#make();
    this.#order = { ...this.#order, isFirst: false };
    const announcement = await first.ready;
    if (announcement === undefined) return first.ended;
    const full = new Promise<void>((resolve) => {
      this.#onFull = resolve;
    });
    this.#employ(first);
    this.#fill();
    const failure = await Promise.race([full, this.gaveUp]);
    if (failure !== undefined) throw failure;
    return announcement;
  }

  /** All that have started and not ended. */
  get living(): ReadonlySet<WorkerProcess> {
    return this.#living;
  }

  /** Why clients should go elsewhere; undefined: one worker at least takes them. */
  get unready(): string | undefined {
    const listening = [...this.#workers].filter(({ isReady }) => isReady);
    if (listening.some(({ unready }) => unready === undefined)) return undefined;
    return listening[0]?.unready ?? "no worker listens";
  }

  /** The processes that serve. */
  get pids(): number[] {
    return [...this.#workers].flatMap(({ pid }) => pid ?? []);
  }

  /** Has all workers read their files again, and go by this level of the log; resolves when they have. */
  async reload(logLevel: LogLevel): Promise<void> {
    this.#order = { ...this.#order, logLevel };
    const staying = [...this.#living].filter(({ isFinishing }) => !isFinishing);
    await Promise.all(staying.map((worker) => worker.reload(logLevel)));
  }

  /**
   * Replaces the workers one by one.
   * @returns whether all were replaced; otherwise a new one did not start, has said why, and the others go
   *   on; undefined if all were told to finish meanwhile.
   */
  async replace(): Promise<boolean | undefined> {
    this.#old = new Set(this.#workers);
    while (this.#anOldOne() !== undefined && !this.#isFinishing) {
      const next = this.#make();
      if ((await next.ready) === undefined) return this.#isFinishing ? undefined : false;
      if (this.#isFinishing) break;
      // One that ended meanwhile has been followed by a new one: then this one is too many, unless another is
      // old.
      const leaving = this.#anOldOne() ?? next;
      if (leaving !== next) this.#employ(next);
      this.#workers.delete(leaving);
      await leaving.finish();
    }
    return this.#isFinishing ? undefined : true;
  }

  /** Has all workers finish their calls and end; resolves when they have. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    clearTimeout(this.#pause);
    await Promise.all([...this.#living].map((worker) => worker.finish()));
  }

  #anOldOne(): WorkerProcess | undefined {
    for (const worker of this.#workers) if (this.#old.has(worker)) return worker;
    return undefined;
  }

  /** Starts a worker that nobody follows if it ends. */
  #make(): WorkerProcess {
    const worker = this.#options.fork(this.#order);
    this.#living.add(worker);
    void worker.ready.then((announcement) => announcement && this.#onReady(worker, announcement));
    void worker.ended.then((ending) => this.#onEnd(worker, ending));
    return worker;
  }

  #employ(worker: WorkerProcess): void {
    this.#workers.add(worker);
  }

  /** Starts as many workers as are lacking. */
  #fill(): void {
    this.#pause = undefined;
    while (this.#workers.size < this.#order.workers && !this.#isFinishing) this.#employ(this.#make());
    this.#tellIfFull();
  }

  #onReady(worker: WorkerProcess, { addresses }: Announcement): void {
    const ports = portsOf(addresses);
    this.#given ??= ports;
    if (isDeepStrictEqual(ports, this.#given)) {
      this.#options.log("info", worker, "listens");
      this.#tellIfFull();
      return;
    }
    // It asked for any port, and those who had the ports of all were gone by then.
    this.#askForGiven();
    void worker.finish();
  }

  /** From now on workers ask for the ports that the first were given, which no worker has any more. */
  #askForGiven(): void {
    this.#order = { ...this.#order, ports: { ...this.#order.ports, ...this.#given } };
  }

  #tellIfFull(): void {
    const ready = [...this.#workers].filter(({ isReady }) => isReady).length;
    if (ready === this.#order.workers) this.#onFull();
  }

  #onEnd(worker: WorkerProcess, { text }: Ending): void {
    this.#living.delete(worker);
    this.#options.onEnd(worker);
    const wasEmployed = this.#workers.delete(worker);
    if (this.#living.size === 0) this.#askForGiven();
    // Of a first one that could not start the command itself tells.
    if (this.#given !== undefined) this.#options.log(worker.isFinishing ? "info" : "error", worker, text);
    if (!wasEmployed || this.#isFinishing) return;
    // It had been told to end.
    const isSound = worker.isFinishing || worker.readyMs >= AT_ONCE_MS;
    this.#endedAtOnce = isSound ? 0 : this.#endedAtOnce + 1;
    if (this.#endedAtOnce >= AT_ONCE_LIMIT)
      this.#giveUp(
        new CommandError(
          `the workers end as soon as they start: ${AT_ONCE_LIMIT} in a row; the last ${text}`,
          "look at what they said before",
          "workers",
        ),
      );
    else if (this.#endedAtOnce === 0) this.#fill();
    else this.#pause ??= setTimeout(() => this.#fill(), PAUSE_MS * 2 ** (this.#endedAtOnce - 1));
  }
}

function portsOf(addresses: Readonly<Record<string, string>>): Partial<Record<ServerPart, number>> {
  const ports = Object.entries(addresses).map(([part, at]) => [
    part,
    Number(at.slice(at.lastIndexOf(":") + 1)),
  ]);
  return Object.fromEntries(ports);
}
