/** What `runRealm` opens for its servers beside the realm itself, and what each of them closes again. */
import { isoTime } from "../protocol/kerberos-time.js";
import type { RealmPolicy } from "../protocol/policy.js";
import { principalInRealm, realmOf } from "../protocol/principal.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import { FIRST_SERVICE } from "../realm/create-realm.js";
import { LivePolicy } from "../realm/live-policy.js";
import { existingPrincipal } from "../realm/principals.js";
import type { Realm } from "../realm/realm.js";
import type { RealmDirectory } from "../realm/realm-directory.js";
import { DEFAULT_SETTINGS, policyOf } from "../realm/realm-settings.js";
import { MemoryReplayCache } from "../store/replay/memory-replay-cache.js";
import { openReplayCache } from "../store/replay/open-replay-cache.js";
import type { ReplayCache } from "../store/replay/replay-cache.js";
import type { Clock } from "./clock.js";
import type { Log } from "./exchange-log.js";
import { KeytabFile } from "./keytab-file.js";
import { checkWeakCrypto } from "./listen.js";
import type { Metrics } from "./metrics/metrics.js";
import { patientMetrics } from "./metrics/patient-metrics.js";

import type { RunRealmOptions } from "./run-realm-options.js";

/** Closes something that was opened. */
export type Closer = () => Promise<void>;

/** What a realm in memory remembers, for as long as it is there: its servers may end and run again. */
const memoryOf = new WeakMap<Realm, ReplayCache>();

/** The same metrics, watching nothing any more once everything is closed. */
export function watchedUntilClosed(given: Metrics, closers: Closer[]): Metrics {
  const metrics = patientMetrics(given);
  const watch: Metrics["watch"] = (look) => {
    const stop = metrics.watch(look);
    closers.push(async () => stop());
    return stop;
  };
  return { ...metrics, watch };
}

/** The realm's folder, if it has one. */
export function folderOf({ directory, realm }: RunRealmOptions): RealmDirectory | undefined {
  return directory ?? realm?.directory;
}

/** The same log, where every line says when it was written. */
export function dated(log: Log, clock: Clock): Log {
  return (record) => log({ time: isoTime(clock()), ...record });
}

/** A policy that follows the settings of the realm's folder, if there is one. */
export interface FollowedPolicy {
  readonly current: RealmPolicy;
  /** Reads the settings now. */
  readonly refresh: () => Promise<void>;
}

/** The policy of a realm, followed while its servers run. Throws as `policyOf`. */
export function followPolicy(
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
export async function openKeys(options: RunRealmOptions, clock: Clock, log: Log): Promise<() => ServiceKeys> {
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

/** Where V remembers authenticators. Throws as `openReplayCache`. */
export async function openCache(
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
