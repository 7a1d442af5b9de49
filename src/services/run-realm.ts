/**
 * The servers of a realm, run together: AS, TGS and V, the stores they need, and one way to stop them all.
 *
 * Stopping: every server says NOT_SERVING and drains; then whatever was opened here is closed, in reverse
 * order.
 */
import type * as grpc from "@grpc/grpc-js";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import { isoTime } from "../protocol/kerberos-time.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { principalInRealm, realmOf } from "../protocol/principal.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import { FIRST_SERVICE } from "../realm/create-realm.js";
import { LivePolicy } from "../realm/live-policy.js";
import { existingPrincipal } from "../realm/principals.js";
import type { Realm } from "../realm/realm.js";
import type { RealmDirectory } from "../realm/realm-directory.js";
import { DEFAULT_SETTINGS, policyOf, type RealmSettings, SETTING_NAMES } from "../realm/realm-settings.js";
import { DEFAULT_HOST, DEFAULT_PORTS } from "../rpc/default-addresses.js";
import { Entrance } from "../rpc/entrance/entrance.js";
import type { ServerLimits } from "../rpc/entrance/limits.js";
import { loadTracing } from "../rpc/tracing.js";
import { openNotesStore } from "../store/notes-store.js";
import { MemoryReplayCache } from "../store/replay/memory-replay-cache.js";
import { openReplayCache } from "../store/replay/open-replay-cache.js";
import type { ReplayCache } from "../store/replay/replay-cache.js";
import type { Clock } from "./clock.js";
import type { Log } from "./exchange-log.js";
import { KeytabFile } from "./keytab-file.js";
import { checkWeakCrypto } from "./listen.js";
import { countedReplayCache } from "./metrics/counted-replay-cache.js";
import { entranceFigures, keytabFigures } from "./metrics/figures.js";
import type { Metrics } from "./metrics/metrics.js";
import { patientMetrics } from "./metrics/patient-metrics.js";
import { principalsLook } from "./metrics/store-figures.js";
import { patientLog } from "./patient-log.js";
import { type ListenOptions, startAs, startTgs, startV } from "./realm-servers.js";
import type { RunningServer } from "./server.js";

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

const OPTIONS: OptionNames<RunRealmOptions> = {
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
const PARTS: OptionNames<Readonly<Partial<Record<ServerPart, number>>>> = { as: true, tgs: true, v: true };

/** The running servers of a realm. */
export interface RunningRealm extends AsyncDisposable {
  /** In the order AS, TGS, V. */
  readonly servers: ReadonlyMap<ServerPart, RunningServer>;
  /** V's current keys; undefined if V does not run. */
  readonly serviceKeys: (() => ServiceKeys) | undefined;
  /** `host:port` of a server. Throws RangeError if it does not run. */
  address(part: ServerPart): string;
  /**
   * Reads the settings of the realm's folder now, rather than within a second or two. The log hears of what
   * changes, and of what can't.
   */
  reload(): Promise<void>;
  /**
   * Stops the servers, within `graceMs` milliseconds (5,000 by default), and closes what was opened for them.
   */
  stop(graceMs?: number): Promise<void>;
}

/**
 * Starts the servers of a realm. If one does not start, none is left running.
 * @throws ListenError; KeytabError and PrivateFileError for V's keytab; StoreError and RangeError for stores
 *   that can't be opened; RealmError `missing` if a realm in memory lacks V; KrbError KDC_ERR_SVC_UNAVAILABLE
 *   if a realm lacks its TGS; TypeError for an unknown option, if AS or TGS has no realm, or V no keytab.
 */
export async function runRealm(options: RunRealmOptions): Promise<RunningRealm> {
  checkOptionNames("runRealm", options, OPTIONS);
  checkOptionNames("ports", options.ports ?? {}, PARTS);
  checkOptionNames("settings", options.settings ?? {}, SETTING_NAMES);
  const closers: Closer[] = [];
  try {
    return await start(options, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

/** What a realm in memory remembers, for as long as it is there: its servers may end and run again. */
const memoryOf = new WeakMap<Realm, ReplayCache>();

/** Closes something that was opened. */
type Closer = () => Promise<void>;

async function closeAll(closers: Closer[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

async function start(options: RunRealmOptions, closers: Closer[]): Promise<RunningRealm> {
  const { realm, ports = DEFAULT_PORTS, host = DEFAULT_HOST, clock = Date.now } = options;
  const log = options.log === undefined ? () => {} : patientLog(dated(options.log, clock), clock);
  const entrance = new Entrance(options.limits, (text) => log({ level: "warn", exchange: "realm", text }));
  const { tracePrincipals } = options;
  void loadTracing();
  const metrics = options.metrics && watchedUntilClosed(options.metrics, closers);
  metrics?.watch(() => entranceFigures(entrance));
  const live = followPolicy({ ...options, host, log }, closers);
  const policy = () => live.current;
  const serviceKeys = ports.v === undefined ? undefined : await openKeys(options, clock, log);
  const replayCache =
    ports.v === undefined ? undefined : await openCache(options, policy().clockSkew, clock, log, closers);
  const servers = new Map<ServerPart, RunningServer>();
  const add = async (part: ServerPart, starting: Promise<RunningServer>) => {
    const server = await starting;
    closers.push(() => server.stop(0));
    servers.set(part, server);
  };
  const { credentials, allowWeakCrypto } = options;
  const listen = (port: number): ListenOptions => ({ host, port, credentials, allowWeakCrypto, entrance });
  if (ports.as !== undefined || ports.tgs !== undefined) {
    if (realm === undefined) throw new TypeError("realm: AS and TGS need one");
    realm.principals.follow();
    const kdc = {
      principals: realm.principals,
      clock,
      log,
      metrics,
      tracePrincipals,
      get policy() {
        return policy();
      },
    };
    metrics?.watch(principalsLook(realm.principals, policy, clock));
    if (ports.as !== undefined) {
      const attempts = await realm.attempts();
      await add("as", startAs(Object.assign(kdc, { attempts }), listen(ports.as)));
    }
    if (ports.tgs !== undefined) await add("tgs", startTgs(kdc, listen(ports.tgs)));
  }
  if (ports.v !== undefined && serviceKeys !== undefined && replayCache !== undefined) {
    const notes = await openNotesStore(options.notes ?? folderOf(options)?.notes ?? "memory:");
    closers.push(() => notes.close());
    metrics?.watch(() => keytabFigures("service", serviceKeys));
    const maxBytes = options.replayCacheBytes;
    const config = {
      serviceKeys,
      clockSkew: policy().clockSkew,
      replayCache: metrics === undefined ? replayCache : countedReplayCache(replayCache, metrics, maxBytes),
      notes,
      clock,
      log,
      metrics,
      tracePrincipals,
      get permittedEtypes() {
        return policy().permittedEtypes;
      },
    };
    await add("v", startV(config, listen(ports.v)));
  }
  return runningRealm(servers, serviceKeys, live, closers);
}

function runningRealm(
  servers: ReadonlyMap<ServerPart, RunningServer>,
  serviceKeys: (() => ServiceKeys) | undefined,
  { refresh }: FollowedPolicy,
  closers: Closer[],
): RunningRealm {
  const stop = async (graceMs?: number) => {
    await Promise.all([...servers.values()].map((server) => server.stop(graceMs)));
    await closeAll(closers);
  };
  const address = (part: ServerPart) => {
    const server = servers.get(part);
    if (server === undefined) throw new RangeError(`part: ${part} does not run here`);
    return server.address;
  };
  return { servers, serviceKeys, address, reload: refresh, stop, [Symbol.asyncDispose]: () => stop() };
}

/** The same metrics, watching nothing any more once everything is closed. */
function watchedUntilClosed(given: Metrics, closers: Closer[]): Metrics {
  const metrics = patientMetrics(given);
  const watch: Metrics["watch"] = (look) => {
    const stop = metrics.watch(look);
    closers.push(async () => stop());
    return stop;
  };
  return { ...metrics, watch };
}

function folderOf({ directory, realm }: RunRealmOptions): RealmDirectory | undefined {
  return directory ?? realm?.directory;
}

/** The same log, where every line says when it was written. */
function dated(log: Log, clock: Clock): Log {
  return (record) => log({ time: isoTime(clock()), ...record });
}

/** A policy that follows the settings of the realm's folder, if there is one. */
interface FollowedPolicy {
  readonly current: RealmPolicy;
  /** Reads the settings now. */
  readonly refresh: () => Promise<void>;
}

function followPolicy(
  options: RunRealmOptions & { readonly host: string; readonly log: Log },
  closers: Closer[],
): FollowedPolicy {
  const { realm, host, log, allowWeakCrypto = false } = options;
  const folder = folderOf(options);
  const settings = folder?.settings ?? { ...DEFAULT_SETTINGS, profile: "standard", ...options.settings };
  const policy = realm?.policy ?? policyOf(settings);
  if (folder === undefined) return { current: policy, refresh: async () => {} };
  const live = new LivePolicy({
    dir: folder.dir,
    settings,
    policy,
    check: (permitted) => checkWeakCrypto(host, permitted, allowWeakCrypto),
    onChange: (text, failed) => log({ level: failed ? "error" : "info", exchange: "realm", text }),
  });
  closers.push(async () => live.close());
  return live;
}

/**
 * V's keys: those of its keytab, which may change; or those that a realm in memory has for it at the start.
 */
async function openKeys(options: RunRealmOptions, clock: Clock, log: Log): Promise<() => ServiceKeys> {
  const { realm, service } = options;
  const path = options.keytab ?? folderOf(options)?.keytabFile;
  if (path === undefined) {
    if (realm === undefined) throw new TypeError("keytab: V needs one");
    const { principal, keys } = await existingPrincipal(realm, service ?? FIRST_SERVICE);
    const held = { principal, keys };
    return () => held;
  }
  const onError = (error: Error) =>
    log({ level: "error", exchange: "V", text: `the old keys stay in use: ${error.message}` });
  const onSkipped = (text: string) => log({ level: "warn", exchange: "V", text });
  const file = await KeytabFile.open(path, { clock, onError, onSkipped });
  const named =
    service === undefined ? undefined : principalInRealm(service, realmOf(file.principals[0]!), "service");
  const serviceKeys = () => file.serviceKeys(named);
  serviceKeys(); // throws if the keytab lacks this service's keys
  return serviceKeys;
}

async function openCache(
  options: RunRealmOptions,
  skew: number,
  clock: Clock,
  log: Log,
  closers: Closer[],
): Promise<ReplayCache> {
  const { realm, replayCache: given, replayCacheBytes: maxBytes } = options;
  if (typeof given === "object") return given;
  const report = (text: string) => log({ level: "warn", exchange: "V", text });
  const settings = { skew, maxBytes, report, startedAt: clock() };
  const isInMemory = realm !== undefined && realm.directory === undefined;
  if (given === undefined && isInMemory) {
    const kept = memoryOf.get(realm) ?? new MemoryReplayCache({ ...settings, restart: "fresh" });
    memoryOf.set(realm, kept);
    return kept;
  }
  const cache = await openReplayCache(given ?? folderOf(options)?.replayCache ?? "memory:", settings);
  closers.push(() => cache.close());
  return cache;
}
