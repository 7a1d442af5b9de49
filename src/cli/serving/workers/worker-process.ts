/**
 * A worker as its primary sees it: a process that starts, is ready, is told to reload or to finish, and ends.
 *
 * Invariant: both promises settle, whatever becomes of the process; neither rejects.
 */
import type { Worker } from "node:cluster";
import { systemErrorText } from "../../../files/system-error.js";
import type { LogLevel } from "../../../services/exchange-log.js";
import type { MetricsSnapshot } from "../../../services/metrics/prometheus.js";
import type { Announcement } from "../report.js";
import type { FromWorker, ToWorker } from "./messages.js";
import { WholeLines } from "./whole-lines.js";

/** How long a worker may take to end after its calls were cut off, in milliseconds. */
const CLOSING_MS = 10_000;

/** Where a worker's lines go. */
export interface WorkerLines {
  /** Takes lines of its log. */
  readonly log: (lines: Uint8Array) => void;
  /** Takes its notices. */
  readonly notices: (lines: Uint8Array) => void;
}

/** How a process ended. */
export interface Ending {
  /** Its exit code; undefined if a signal ended it, or if it could not be started. */
  readonly code: number | undefined;
  /** In words. */
  readonly text: string;
}

/** One worker. */
export class WorkerProcess {
  /** The number of the worker in the log. */
  readonly id: number;
  readonly pid: number | undefined;
  /** Where it listens, once it does; undefined if it ended before. */
  readonly ready: Promise<Announcement | undefined>;
  readonly ended: Promise<Ending>;
  readonly #worker: Worker;
  readonly #graceMs: number;
  #readyAt: number | undefined;
  #isFinishing = false;
  #onReloaded: (() => void)[] = [];
  #onFigures: (() => void)[] = [];
  #figures: MetricsSnapshot | undefined;
  #unready: string | undefined = "starting";

  /** @param graceMs how long its running calls may take to finish, in milliseconds. */
  constructor(worker: Worker, lines: WorkerLines, graceMs: number) {
    this.#worker = worker;
    this.#graceMs = graceMs;
    this.id = worker.id;
    this.pid = worker.process.pid;
    this.ended = this.#follow(lines);
    this.ready = new Promise((resolve) => {
      worker.on("message", (message: FromWorker) => {
        if (message.tell === "reloaded") this.#onReloaded.shift()?.();
        if (message.tell === "finishing") this.#isFinishing = true;
        if (message.tell === "readiness") this.#unready = message.unready;
        if (message.tell === "figures") {
          this.#figures = message.snapshot;
          this.#onFigures.shift()?.();
        }
        if (message.tell !== "ready") return;
        this.#readyAt = performance.now();
        resolve(message.announcement);
      });
      void this.ended.then(() => resolve(undefined));
    });
  }

  /** Whether it listens. */
  get isReady(): boolean {
    return this.#readyAt !== undefined && !this.#isFinishing;
  }

  /** Why clients should go elsewhere; undefined: they may come. */
  get unready(): string | undefined {
    return this.#unready;
  }

  /** Whether it was told to end. */
  get isFinishing(): boolean {
    return this.#isFinishing;
  }

  /** How long it has listened, in milliseconds. */
  get readyMs(): number {
    return this.#readyAt === undefined ? 0 : performance.now() - this.#readyAt;
  }

  /** Its figures as it last told them; undefined if it never has. */
  get figures(): MetricsSnapshot | undefined {
    return this.#figures;
  }

  /** Has it tell its figures; resolves when it has, or has ended. */
  async measure(): Promise<void> {
    const measured = new Promise<void>((resolve) => this.#onFigures.push(resolve));
    this.#tell({ tell: "measure" });
    await Promise.race([measured, this.ended]);
  }

  /**
   * Has it read its files again, and go by this level of its log; resolves when it has, or has ended. One that
   * starts does so once it listens: it would not hear of it before.
   */
  async reload(logLevel: LogLevel): Promise<void> {
    await this.ready;
    const reloaded = new Promise<void>((resolve) => this.#onReloaded.push(resolve));
    this.#tell({ tell: "reload", logLevel });
    await Promise.race([reloaded, this.ended]);
  }

  /** Has it finish its calls and end; resolves when it has. One that does not is killed. */
  async finish(): Promise<void> {
    this.#isFinishing = true;
    this.#tell({ tell: "finish" });
    const late = setTimeout(() => this.#worker.process.kill("SIGKILL"), this.#graceMs + CLOSING_MS);
    await this.ended;
    clearTimeout(late);
  }

  #tell(message: ToWorker): void {
    // One that is gone hears nothing: `ended` tells of it.
    this.#worker.send(message, () => {});
  }

  #follow(lines: WorkerLines): Promise<Ending> {
    const { process: child } = this.#worker;
    const log = new WholeLines(lines.log);
    const notices = new WholeLines(lines.notices);
    child.stdout?.on("data", (chunk: Uint8Array) => log.add(chunk));
    child.stderr?.on("data", (chunk: Uint8Array) => notices.add(chunk));
    let failure: Error | undefined;
    this.#worker.on("error", (error) => {
      failure = error;
    });
    return new Promise((resolve) => {
      child.once("close", (code, signal) => {
        log.end();
        notices.end();
        if (child.pid === undefined && failure !== undefined)
          resolve({ code: undefined, text: `can't be started: ${systemErrorText(failure)}` });
        else if (signal !== null) resolve({ code: undefined, text: `ended by ${signal}` });
        else resolve({ code: code ?? 1, text: `ended with exit code ${code}` });
      });
    });
  }
}
