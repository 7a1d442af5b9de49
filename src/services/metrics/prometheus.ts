/**
 * Metrics for Prometheus, by prom-client, which is loaded when they are first asked for.
 *
 * Counting an event adds to a number and touches one histogram. What is a state rather than an event is
 * looked at when somebody reads. A label takes a bounded number of values: what is beyond is counted as
 * `other`.
 */
import type { Counter, Gauge, Histogram, MetricObjectWithValues, MetricValue, Registry } from "prom-client";
import { etypeOf } from "../../protocol/etypes.js";
import { BUCKETS_SECONDS, CATALOGUE, type FigureName, type MetricName, type MetricRow } from "./catalogue.js";
import type { EndedExchange, Figure, GuardedCall, Look, Metrics, ReplayOutcome } from "./metrics.js";

/** Settings of metrics for Prometheus. */
export interface PrometheusOptions {
  /** A registry of one's own, which shows one's own figures beside these; by default a new one. */
  readonly register?: Registry | undefined;
  /** Whether figures of the process are there as well: processor, memory, event loop; `true` by default. */
  readonly process?: boolean | undefined;
}

/** Metrics for Prometheus. */
export interface PrometheusMetrics extends Metrics {
  /** The figures of this moment, as plain values that may go to another process. */
  snapshot(): Promise<MetricsSnapshot>;
}

/** The figures of one process: values that survive JSON. */
export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

/** Figures as text, as a scraper wants them. */
export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

/** The most values of one label: methods of a service, or what a caller rule of somebody's own throws. */
const MOST_VALUES = 200;
/** Gauges of the process whose names say that they only grow; the same is there by type. */
const MISNAMED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];
/** How long the figures of one source may take, in milliseconds. */
const LOOK_MS = 1_000;

/** Metrics for Prometheus, without figures yet. */
export async function prometheusMetrics(options: PrometheusOptions = {}): Promise<PrometheusMetrics> {
  const prom = await import("prom-client");
  const register = options.register ?? new prom.Registry();
  if (options.process !== false && options.register === undefined) {
    prom.collectDefaultMetrics({ register });
    for (const name of MISNAMED) register.removeSingleMetric(name);
  }
  return new Prometheus(prom, register);
}

/**
 * One page of the figures of one or several processes.
 * @param accept what the scraper takes, from its request; OpenMetrics where it takes that.
 */
export async function metricsPage(
  snapshots: readonly MetricsSnapshot[],
  accept: string | undefined,
): Promise<MetricsPage> {
  const { AggregatorRegistry, Registry } = await import("prom-client");
  const isOpen = accept?.includes("application/openmetrics-text") === true;
  const contentType = isOpen ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
  const parts = snapshots.map((snapshot) => snapshot.map((metric) => shown(metric, isOpen)));
  // Its types know the plain text alone.
  const together = AggregatorRegistry.aggregate(parts as unknown as object[]) as unknown as Registry;
  together.setContentType(contentType as typeof Registry.PROMETHEUS_CONTENT_TYPE);
  return { contentType, text: await together.metrics() };
}

/** What processes that have ended had counted, as the figures of one: their states are over. */
export async function pastCounts(snapshots: readonly MetricsSnapshot[]): Promise<MetricsSnapshot> {
  const { AggregatorRegistry } = await import("prom-client");
  const counted = snapshots.map((snapshot) => snapshot.filter(({ type }) => String(type) !== "gauge"));
  const together = AggregatorRegistry.aggregate(counted as unknown as object[]);
  return (await together.getMetricsAsJSON()) as unknown as MetricsSnapshot;
}

/** A metric as the page has it: in OpenMetrics its family is named without `_total`, which its values get. */
function shown(metric: MetricsSnapshot[number], isOpen: boolean): MetricsSnapshot[number] {
  const { name, aggregator, values } = metric;
  const isCounter = String(metric.type) === "counter";
  return {
    ...metric,
    name: isOpen && isCounter ? name.replace(/_total$/, "") : name,
    // Of several processes, when the first began.
    aggregator: aggregator === "omit" ? "min" : aggregator,
    values: values.filter(({ value }) => !Number.isNaN(value)),
  };
}

class Prometheus implements PrometheusMetrics {
  readonly #register: Registry;
  readonly #exchanges = new Counts();
  readonly #durations: Histogram;
  readonly #weak = new Counts();
  readonly #calls = new Counts();
  readonly #endedCalls = new Counts();
  readonly #decisions: Histogram;
  readonly #replayChecks = new Counts();
  readonly #looks = new Set<Look>();
  readonly #reasons = new BoundedValues();
  readonly #methods = new BoundedValues();
  /** A look at everything that is under way: all figures of one page are of one moment. */
  #looking: Promise<ReadonlyMap<FigureName, readonly Figure[]>> | undefined;

  constructor(prom: typeof import("prom-client"), register: Registry) {
    this.#register = register;
    const settings = (name: MetricName) => {
      const { labels, help, combine, across }: MetricRow = CATALOGUE[name];
      return {
        name,
        help,
        labelNames: [...labels],
        registers: [register],
        aggregator: across ?? combine ?? "sum",
      };
    };
    const counted = (name: MetricName, counts: Counts) => {
      const metric: Counter = new prom.Counter({
        ...settings(name),
        collect: () => counts.show(metric),
      } as never);
    };
    const histogram = (name: MetricName) =>
      new prom.Histogram({ ...settings(name), buckets: [...BUCKETS_SECONDS] } as never) as Histogram;
    counted("tessera_exchanges_total", this.#exchanges);
    this.#durations = histogram("tessera_exchange_duration_seconds");
    counted("tessera_weak_etype_total", this.#weak);
    counted("tessera_guard_calls_total", this.#calls);
    counted("tessera_guard_ended_total", this.#endedCalls);
    this.#decisions = histogram("tessera_guard_decision_duration_seconds");
    counted("tessera_replay_checks_total", this.#replayChecks);
    for (const [name, { kind }] of Object.entries(CATALOGUE) as [FigureName, MetricRow][]) {
      if (kind !== "gauge" && kind !== "watched counter") continue;
      const Kind = kind === "gauge" ? prom.Gauge : prom.Counter;
      const metric: Gauge | Counter = new Kind({
        ...settings(name),
        collect: async () => show(metric, (await this.#look()).get(name) ?? [], CATALOGUE[name]),
      } as never);
    }
  }

  exchange({ exchange, reason: given, etypes, ms }: EndedExchange): void {
    const reason = this.#reasons.of(given);
    const sealed = etypes?.ticket ?? etypes?.session;
    this.#exchanges.add(`${exchange} ${sealed} ${reason}`, () => {
      return { exchange, reason, etype: sealed === undefined ? "none" : etypeOf(sealed).name };
    });
    this.#durations.observe({ exchange }, ms / 1000);
    let counted: number | undefined;
    for (const part in etypes) {
      const etype = etypes[part]!;
      if (etype === counted || !etypeOf(etype).weak) continue;
      this.#weak.add(`${exchange} ${etype}`, () => ({ exchange, etype: etypeOf(etype).name }));
      counted = etype;
    }
  }

  guardedCall({ method: path, reason: given, wasLetIn, ms }: GuardedCall): void {
    const method = this.#methods.of(path);
    const reason = this.#reasons.of(given);
    const counts = wasLetIn ? this.#endedCalls : this.#calls;
    counts.add(`${reason} ${method}`, () => ({ method, reason }));
    if (!wasLetIn) this.#decisions.observe(ms / 1000);
  }

  replayCheck(outcome: ReplayOutcome): void {
    this.#replayChecks.add(outcome, () => ({ outcome }));
  }

  watch(look: Look): () => void {
    this.#looks.add(look);
    return () => void this.#looks.delete(look);
  }

  async snapshot(): Promise<MetricsSnapshot> {
    const metrics = (await this.#register.getMetricsAsJSON()) as unknown as MetricsSnapshot;
    return structuredClone(metrics);
  }

  #look(): Promise<ReadonlyMap<FigureName, readonly Figure[]>> {
    this.#looking ??= lookAtAll([...this.#looks]).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }
}

/** What all sources give in time, by name. */
async function lookAtAll(looks: readonly Look[]): Promise<ReadonlyMap<FigureName, readonly Figure[]>> {
  const given = await Promise.all(looks.map((look) => inTime(look)));
  const byName = new Map<FigureName, Figure[]>();
  for (const figure of given.flat()) {
    const known = byName.get(figure.name);
    if (known === undefined) byName.set(figure.name, [figure]);
    else known.push(figure);
  }
  return byName;
}

/** What a source gives; nothing where it fails or is late. */
async function inTime(look: Look): Promise<readonly Figure[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Figure[]>((resolve) => {
    timer = setTimeout(resolve, LOOK_MS, []);
  });
  try {
    return await Promise.race([(async () => look())(), late]);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

/** Sets a metric to what its figures come to under each set of labels. */
function show(metric: Gauge | Counter, figures: readonly Figure[], { combine }: MetricRow): void {
  const totals = new Map<string, { readonly labels: Record<string, string>; value: number }>();
  for (const { labels = {}, value } of figures) {
    const key = JSON.stringify(labels);
    const total = totals.get(key);
    if (total === undefined) totals.set(key, { labels, value });
    else total.value = combine === undefined ? total.value + value : Math[combine](total.value, value);
  }
  metric.reset();
  // One without labels would say 0 where there is nothing to say.
  metric.remove({});
  for (const { labels, value } of totals.values())
    if ("set" in metric) metric.set(labels, value);
    else metric.inc(labels, value);
}

/** What was counted, under each set of labels: prom-client sorts and joins these at each event. */
class Counts {
  readonly #counts = new Map<string, { readonly labels: Record<string, string>; count: number }>();

  /** @param labels asked for at the first event of its key. */
  add(key: string, labels: () => Record<string, string>): void {
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { labels: labels(), count: 1 });
    else known.count++;
  }

  show(metric: Counter): void {
    metric.reset();
    for (const { labels, count } of this.#counts.values()) metric.inc(labels, count);
  }
}

/** The values of one label: as they are, until there are too many. */
class BoundedValues {
  readonly #known = new Set<string>();

  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= MOST_VALUES) return "other";
    this.#known.add(value);
    return value;
  }
}
