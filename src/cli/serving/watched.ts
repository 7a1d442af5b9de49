/**
 * What is seen of servers from outside while they run: their figures and their readiness, and the page that
 * shows both where one is wanted.
 */
import type { Figure } from "../../services/metrics/metrics.js";
import { type PrometheusMetrics, prometheusMetrics } from "../../services/metrics/prometheus.js";
import { version } from "../version.js";
import type { LiveTls } from "./live-tls.js";
import { MetricsPage, type PageAddress } from "./metrics-page.js";

/** The figures and the readiness of this process's servers. */
export class Watched implements AsyncDisposable {
  /** Undefined where nobody asked for them. */
  readonly metrics: PrometheusMetrics | undefined;
  readonly #page: MetricsPage | undefined;
  readonly #state: ReadyState;
  readonly #onReadiness: OnReadiness | undefined;

  private constructor(
    metrics: PrometheusMetrics | undefined,
    page: MetricsPage | undefined,
    state: ReadyState,
    onReadiness?: OnReadiness,
  ) {
    this.#onReadiness = onReadiness;
    this.metrics = metrics;
    this.#page = page;
    this.#state = state;
  }

  /**
   * Begins to watch, if there is a page; serves it, unless it is somebody else's, who is told of the
   * readiness.
   * @throws ListenError if it can't listen there.
   */
  static async open(
    at: PageAddress | undefined,
    tls: LiveTls | undefined,
    onReadiness?: OnReadiness,
  ): Promise<Watched> {
    const state: ReadyState = { unready: "starting" };
    if (at === undefined) return new Watched(undefined, undefined, state, onReadiness);
    const metrics = await prometheusMetrics();
    metrics.watch(() => [buildFigure(), ...certificateFigures(tls)]);
    if (onReadiness !== undefined) return new Watched(metrics, undefined, state, onReadiness);
    const page = await MetricsPage.open(at, {
      snapshots: async () => [await metrics.snapshot()],
      unready: () => state.unready,
    });
    return new Watched(metrics, page, state);
  }

  /** `host:port` of the page; undefined where there is none. */
  get address(): string | undefined {
    return this.#page?.address;
  }

  /** Says that clients may come; or why they should go elsewhere. */
  setReady(unready?: string): void {
    this.#state.unready = unready;
    this.#onReadiness?.(unready);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page?.[Symbol.asyncDispose]();
  }
}

/** Told why clients should go elsewhere; undefined: they may come. */
type OnReadiness = (unready: string | undefined) => void;

interface ReadyState {
  unready: string | undefined;
}

function buildFigure(): Figure {
  return { name: "tessera_build_info", labels: { version: version() }, value: 1 };
}

function certificateFigures(tls: LiveTls | undefined): Figure[] {
  return [...(tls?.ends ?? [])].map(([certificate, end]) => ({
    name: "tessera_certificate_expiry_seconds",
    labels: { certificate },
    value: end / 1000,
  }));
}
