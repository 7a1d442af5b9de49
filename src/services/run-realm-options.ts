/** What `runRealm` is given. */
import type * as grpc from "@grpc/grpc-js";
import type { OptionNames } from "../errors/unknown-options.js";
import type { Realm } from "../realm/realm.js";
import type { RealmDirectory } from "../realm/realm-directory.js";
import type { RealmSettings } from "../realm/realm-settings.js";
import type { DEFAULT_PORTS } from "../rpc/default-addresses.js";
import type { ServerLimits } from "../rpc/entrance/limits.js";
import type { ReplayCache } from "../store/replay/replay-cache.js";
import type { Clock } from "./clock.js";
import type { Log } from "./exchange-log.js";
import type { Metrics } from "./metrics/metrics.js";

/** A server of a realm. */
export type ServerPart = keyof typeof DEFAULT_PORTS;

/**
 * What to run, and with what. Stores given open stay the caller's; those given by name are opened and closed
 * here.
 */
export interface RunRealmOptions {
  /** The realm that AS and TGS serve; not needed to run V alone. */
  readonly realm?: Realm | undefined;
  /** The realm's folder, whose settings are followed while the servers run; by default that of `realm`. */
  readonly directory?: RealmDirectory | undefined;
  /**
   * Settings for V without realm and folder; by default profile `standard` and five minutes of clock skew.
   */
  readonly settings?: Partial<RealmSettings> | undefined;
  /**
   * The servers to run, each with its port; 0: any free port. By default all three, on 8801, 8802 and 8803.
   */
  readonly ports?: Readonly<Partial<Record<ServerPart, number>>> | undefined;
  /** The address to listen on; 127.0.0.1 by default. */
  readonly host?: string | undefined;
  /** For TLS; plaintext if absent. */
  readonly credentials?: grpc.ServerCredentials | undefined;
  /** Lets servers that permit weak encryption types listen beyond loopback. */
  readonly allowWeakCrypto?: boolean | undefined;
  /**
   * The path of V's keytab, read again when it changes; by default the folder's. A realm in memory needs
   * none.
   */
  readonly keytab?: string | undefined;
  /** V's principal, if the keytab holds several; the realm may be left out. */
  readonly service?: string | undefined;
  /** Where V keeps its notes, as `openStore` takes it; by default in the folder, or else in memory. */
  readonly notes?: string | undefined;
  /** Where V remembers authenticators; by default in the folder, or else in memory. */
  readonly replayCache?: string | ReplayCache | undefined;
  /** The memory that authenticators may take, in bytes, 64 for each; 256 MiB by default. */
  readonly replayCacheBytes?: number | undefined;
  /** How many connections and calls may be open, in all three servers together and of one peer. */
  readonly limits?: ServerLimits | undefined;
  /** The present in milliseconds since the epoch; the system's clock by default. */
  readonly clock?: Clock | undefined;
  /**
   * Told of each exchange, and of changes while the servers run. A log that throws, or returns a promise that
   * rejects, ends nothing.
   */
  readonly log?: Log | undefined;
  /** Takes the servers' figures, for as long as they run: `prometheusMetrics()`, or one's own. */
  readonly metrics?: Metrics | undefined;
  /** Whether spans of OpenTelemetry say who calls (`tessera.client`); `false` by default. */
  readonly tracePrincipals?: boolean | undefined;
}

/** Their names, to refuse others. */
export const OPTIONS: OptionNames<RunRealmOptions> = {
  realm: true,
  directory: true,
  settings: true,
  ports: true,
  host: true,
  credentials: true,
  allowWeakCrypto: true,
  keytab: true,
  service: true,
  notes: true,
  replayCache: true,
  replayCacheBytes: true,
  limits: true,
  clock: true,
  log: true,
  metrics: true,
  tracePrincipals: true,
};
/** The names of the servers, likewise. */
export const PARTS: OptionNames<Readonly<Partial<Record<ServerPart, number>>>> = {
  as: true,
  tgs: true,
  v: true,
};
