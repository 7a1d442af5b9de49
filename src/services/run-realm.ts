/**
 * The servers of a realm, run together: AS, TGS and V, the stores they need, and one way to stop them all.
 *
 * Stopping: every server says NOT_SERVING and drains; then whatever was opened here is closed, in reverse
 * order.
 */
import { checkOptionNames } from "../errors/unknown-options.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import { SETTING_NAMES } from "../realm/realm-settings.js";
import { DEFAULT_HOST, DEFAULT_PORTS } from "../rpc/default-addresses.js";
import { Entrance } from "../rpc/entrance/entrance.js";
import { loadTracing } from "../rpc/tracing.js";
import { openNotesStore } from "../store/notes-store.js";
import { countedReplayCache } from "./metrics/counted-replay-cache.js";
import { entranceFigures, keytabFigures } from "./metrics/figures.js";
import { principalsLook } from "./metrics/store-figures.js";
import { patientLog } from "./patient-log.js";
import {
  type Closer,
  dated,
  type FollowedPolicy,
  folderOf,
  followPolicy,
  openCache,
  openKeys,
  watchedUntilClosed,
} from "./realm-parts.js";
import { type ListenOptions, startAs, startTgs, startV } from "./realm-servers.js";
import { OPTIONS, PARTS, type RunRealmOptions, type ServerPart } from "./run-realm-options.js";
import type { RunningServer } from "./server.js";

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
