/**
 * Every metric there is: its name, kind, labels and meaning, one row each (docs/metrics.md shows them).
 *
 * Names follow OpenMetrics: base units, `_total` for what only grows, a time of day in seconds since the
 * epoch. No label holds a principal, a peer or anything that a caller chooses.
 */

/** A row of the catalogue. */
export interface MetricRow {
  /**
   * `counter` and `histogram` are told of each event; `gauge` is looked at whenever somebody reads, and so is
   * a `watched counter`, whose total is kept where the events are.
   */
  readonly kind: "counter" | "watched counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  /** One sentence, without its full stop. */
  readonly help: string;
  /** What several figures under the same labels come to; their sum by default. */
  readonly combine?: "min" | "max";
  /** The same of several processes, where it is something else: what they share must not be counted twice. */
  readonly across?: "max";
}

/** The metrics, by their names. */
export const CATALOGUE = {
  tessera_exchanges_total: {
    kind: "counter",
    labels: ["exchange", "reason", "etype"],
    help: "Exchanges of AS, TGS and V by how they ended, and the encryption type of the ticket",
  },
  tessera_exchange_duration_seconds: {
    kind: "histogram",
    labels: ["exchange"],
    help: "How long an exchange took, from its whole request to its answer",
  },
  tessera_weak_etype_total: {
    kind: "counter",
    labels: ["exchange", "etype"],
    help: "Exchanges in which a weak encryption type was at work",
  },
  tessera_guard_calls_total: {
    kind: "counter",
    labels: ["method", "reason"],
    help: "Guarded calls by how the guard decided: OK, or why one was refused",
  },
  tessera_guard_ended_total: {
    kind: "counter",
    labels: ["method", "reason"],
    help: "Guarded calls that were let in, and that the guard ended later",
  },
  tessera_guard_decision_duration_seconds: {
    kind: "histogram",
    labels: [],
    help: "How long a guarded call took from its headers to the guard's decision, its request included",
  },
  tessera_sessions: { kind: "gauge", labels: [], help: "Sessions that guards hold" },
  tessera_session_bytes: { kind: "gauge", labels: [], help: "Memory that these sessions take" },
  tessera_cache_entries: {
    kind: "gauge",
    labels: ["cache"],
    help: "Entries of a cache: principals, opened tickets, answered logins",
  },
  tessera_cache_bytes: { kind: "gauge", labels: ["cache"], help: "Memory that these entries take" },
  tessera_cache_max_bytes: { kind: "gauge", labels: ["cache"], help: "Memory that they may take" },
  tessera_replay_records: {
    kind: "gauge",
    labels: [],
    help: "Authenticators that the replay cache holds",
    across: "max",
  },
  tessera_replay_bytes: { kind: "gauge", labels: [], help: "Memory that they take at most", across: "max" },
  tessera_replay_max_bytes: { kind: "gauge", labels: [], help: "Memory that they may take", across: "max" },
  tessera_replay_checks_total: {
    kind: "counter",
    labels: ["outcome"],
    help: "What the replay cache said to an authenticator: new, repeat, closed, full or unreachable",
  },
  tessera_connections: { kind: "gauge", labels: [], help: "Connections that are open" },
  tessera_calls: { kind: "gauge", labels: [], help: "Calls that are open" },
  tessera_queue_connections: {
    kind: "gauge",
    labels: [],
    help: "Connections that wait to be read, because there is more to do than can be done",
  },
  tessera_queue_calls: { kind: "gauge", labels: [], help: "Calls that were read and wait for their turn" },
  tessera_refused_at_door_total: {
    kind: "watched counter",
    labels: ["cause"],
    help: "Connections and calls refused before a server saw them: connections, calls, bytes or overload",
  },
  tessera_store_up: {
    kind: "gauge",
    labels: ["store"],
    help: "Whether a store answers: 1, or 0 where it can't be read or written",
    combine: "min",
  },
  tessera_key_age_seconds: {
    kind: "gauge",
    labels: ["key"],
    help: "How old the current keys of the realm's TGS are (krbtgt)",
    combine: "max",
  },
  tessera_key_versions: {
    kind: "gauge",
    labels: ["key"],
    help: "Versions of a key that still open tickets",
    combine: "max",
  },
  tessera_key_expiry_seconds: {
    kind: "gauge",
    labels: ["key"],
    help: "When the next replaced version of a key ends, in seconds since the epoch",
    combine: "min",
  },
  tessera_build_info: { kind: "gauge", labels: ["version"], help: "1 for each process of this version" },
  tessera_certificate_expiry_seconds: {
    kind: "gauge",
    labels: ["certificate"],
    help: "When the certificates of a file (server, client-ca) begin to end, in seconds since the epoch",
    combine: "min",
  },
  tessera_probe_up: {
    kind: "gauge",
    labels: [],
    help: "Whether the last login of the probe succeeded: 1 or 0",
    combine: "min",
  },
  tessera_probe_success_seconds: {
    kind: "gauge",
    labels: [],
    help: "When the probe last logged in, in seconds since the epoch",
    combine: "min",
  },
  tessera_probe_duration_seconds: {
    kind: "gauge",
    labels: [],
    help: "How long the probe's last login took",
    combine: "max",
  },
} as const satisfies Readonly<Record<`tessera_${string}`, MetricRow>>;

/** The name of a metric. */
export type MetricName = keyof typeof CATALOGUE;

/** The names of those that are looked at whenever somebody reads. */
export type FigureName = {
  [Name in keyof typeof CATALOGUE]: (typeof CATALOGUE)[Name]["kind"] extends "gauge" | "watched counter"
    ? Name
    : never;
}[keyof typeof CATALOGUE];

/** The bounds of histograms, in seconds: an exchange takes some hundred microseconds. */
export const BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
] as const;
