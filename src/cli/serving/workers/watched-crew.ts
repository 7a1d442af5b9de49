/**
 * The page of metrics and readiness of all workers, which the primary shows.
 *
 * Invariant: what is counted never falls while the primary runs: the counts of workers that have ended stay,
 * as they were told last.
 */
import { type MetricsSnapshot, pastCounts } from "../../../services/metrics/prometheus.js";
import { MetricsPage, type PageAddress } from "../metrics-page.js";
import type { Crew } from "./crew.js";
import type { WorkerProcess } from "./worker-process.js";

/**
 * How long a worker may take to tell its figures before those that it told last are shown, in milliseconds.
 */
const MEASURE_MS = 2_000;

/** What is seen of workers from outside. */
export class WatchedCrew implements AsyncDisposable {
  #past: MetricsSnapshot = [];
  #crew: Crew | undefined;
  #page: MetricsPage | undefined;
  #unready: string | undefined = "starting";
  #turn: Promise<void> = Promise.resolve();

  /** `host:port` of the page; undefined where there is none. */
  get address(): string | undefined {
    return this.#page?.address;
  }

  /**
   * Serves the page of these workers, if there is to be one.
   * @throws ListenError if it can't listen there.
   */
  async open(at: PageAddress | undefined, crew: Crew): Promise<void> {
    this.#crew = crew;
    if (at === undefined) return;
    const unready = () => this.#unready ?? crew.unready;
    this.#page = await MetricsPage.open(at, { snapshots: () => this.#snapshots(), unready });
  }

  /** Says that clients may come; or why they should go elsewhere. */
  setReady(unready?: string): void {
    this.#unready = unready;
  }

  /** Keeps what a worker that has ended had counted. */
  keep({ figures }: WorkerProcess): void {
    if (figures === undefined) return;
    this.#turn = this.#turn.then(async () => {
      this.#past = await pastCounts([this.#past, figures]);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page?.[Symbol.asyncDispose]();
  }

  async #snapshots(): Promise<MetricsSnapshot[]> {
    const workers = [...(this.#crew?.living ?? [])];
    await Promise.all(workers.map((worker) => inTime(worker.measure())));
    await this.#turn;
    // Those that ended while they were asked are in the past by now.
    const told = workers
      .filter((worker) => this.#crew?.living.has(worker))
      .flatMap(({ figures }) => [figures ?? []]);
    return [this.#past, ...told];
  }
}

async function inTime(measured: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, MEASURE_MS);
  });
  await Promise.race([measured, late]);
  clearTimeout(timer);
}
