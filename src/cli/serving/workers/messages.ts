/** What travels between the primary of `tessera serve --workers` and its workers. */
import type { LogLevel } from "../../../services/exchange-log.js";
import type { MetricsSnapshot } from "../../../services/metrics/prometheus.js";
import type { ServerPart } from "../../../services/run-realm-options.js";
import type { Announcement } from "../report.js";

/** The environment's variable that holds a worker's order, as JSON. */
export const ORDER_VARIABLE = "TESSERA_WORKER";

/** What a worker is told at its start; all else stands in the command line, which both have. */
export interface WorkerOrder {
  /** How many workers there are. */
  readonly workers: number;
  /** Whether it is the first: if it can't start, the command fails as it does. */
  readonly isFirst: boolean;
  /** Whether its log is JSON, or text for the primary's terminal. */
  readonly inJson: boolean;
  /** Its log's level, which may have changed since the command began. */
  readonly logLevel: LogLevel;
  /** The ports to ask the primary for; 0: the one that it chose for all of them. */
  readonly ports: Readonly<Record<ServerPart, number>>;
}

/**
 * What the primary tells a worker: to read its files again, and which level its log has from now on; to send
 * its figures; to finish its calls and end.
 */
export type ToWorker =
  | { readonly tell: "reload"; readonly logLevel: LogLevel }
  | { readonly tell: "measure" }
  | { readonly tell: "finish" };

/**
 * What a worker tells the primary: that it listens, and where; why clients should go elsewhere, or that they
 * may come; that it has read its files; that it was told by a signal to finish; its figures, when they are
 * asked for and at its end.
 */
export type FromWorker =
  | { readonly tell: "ready"; readonly announcement: Announcement }
  | { readonly tell: "readiness"; readonly unready?: string | undefined }
  | { readonly tell: "reloaded" }
  | { readonly tell: "finishing" }
  | { readonly tell: "figures"; readonly snapshot: MetricsSnapshot };
