/**
 * Runs the servers of a realm: starts and announces them, prints their log, reads their files again on SIGHUP
 * and ends them on SIGTERM.
 *
 * They end in this order: every server says NOT_SERVING and finishes its calls; then the stores are closed.
 */
import { join, resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { makeFolders } from "../../files/make-folders.js";
import { PrivateFileError } from "../../files/private-file-error.js";
import { formatDuration } from "../../protocol/duration.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { realmOf } from "../../protocol/principal.js";
import { isProfileName } from "../../protocol/profile.js";
import { openRealm } from "../../realm/open-realm.js";
import type { Realm } from "../../realm/realm.js";
import { openRealmDirectory, type RealmDirectory } from "../../realm/realm-directory.js";
import { DEFAULT_REALM, DEFAULT_SETTINGS, type RealmSettings } from "../../realm/realm-settings.js";
import type { ServerLimits } from "../../rpc/entrance/limits.js";
import { systemTimer } from "../../rpc/timer.js";
import type { PrometheusMetrics } from "../../services/metrics/prometheus.js";
import { type RunningRealm, runRealm } from "../../services/run-realm.js";
import type { ServerPart } from "../../services/run-realm-options.js";
import { StoreError } from "../../store/store-error.js";
import { CommandError, type CommandSurroundings, UsageError } from "../frame/command.js";
import { realmDir } from "../frame/environment.js";
import type { Environment } from "../frame/surroundings.js";
import { parsePrincipalArgument } from "../options/principal-argument.js";
import type { Screen } from "../screen/screen.js";
import type { TlsFiles } from "../session/tls.js";
import { afterSignal, type LiveChoice, type Rereading } from "./after-signal.js";
import { LiveTls } from "./live-tls.js";
import { LogSampling } from "./log-sampling.js";
import type { PageAddress } from "./metrics-page.js";
import type { Probe } from "./probe.js";
import { beginProbeLogin } from "./probe-login.js";
import { type Probed, startProbe } from "./probed.js";
import { type Announcement, announce, announcementOf } from "./report.js";
import { ServerOutputs } from "./server-outputs.js";
import { Watched } from "./watched.js";

/** What `tessera serve` was asked for. */
export interface ServeChoice extends LiveChoice {
  readonly parts: readonly ServerPart[];
  readonly ports: Readonly<Record<ServerPart, number>>;
  readonly json: boolean;
  /** Whether refusals that are alike are counted together in the log. */
  readonly logSample: boolean;
  readonly dir: string | undefined;
  readonly host: string;
  readonly allowWeakCrypto: boolean;
  readonly tls: TlsFiles;
  readonly keytab: string | undefined;
  readonly service: string | undefined;
  readonly profile: string | undefined;
  readonly clockSkew: number | undefined;
  readonly notes: string | undefined;
  readonly replayCache: string | undefined;
  /** In bytes. */
  readonly replayCacheBytes: number | undefined;
  readonly limits: ServerLimits;
  /** Where to show figures and readiness; undefined: nowhere. */
  readonly metrics: PageAddress | undefined;
  /** The path of the probe's keytab; undefined: no probe. */
  readonly probe: string | undefined;
}

/** What whoever has the servers run is told of them, and does for them. */
export interface ServeHost {
  /** The number of this process among several, which its lines of the log bear. */
  readonly worker?: number;
  /** What is asked for by now. */
  readonly reread: Rereading;
  /** The servers listen. */
  readonly onReady: (announcement: Announcement, screen: Screen, watched: Watched) => void;
  /**
   * Told why clients should go elsewhere, or that they may come, where the page that says so is the host's.
   */
  readonly onReadiness?: (unready: string | undefined) => void;
  /** They have read their files again. */
  readonly onReloaded: (screen: Screen) => void;
  /** They are about to end, because of this signal. */
  readonly onEnd: (signal: string, screen: Screen) => void;
}

/**
 * Runs the servers until a signal; resolves when everything is closed.
 * @param reread what is asked for by now, at SIGHUP.
 */
export function serve(choice: ServeChoice, around: CommandSurroundings, reread: Rereading): Promise<void> {
  return serveAs(choice, around, {
    reread,
    onReady: (announcement, screen, { address }) =>
      announce(announcement, { json: choice.json, metrics: address }, screen),
    onReloaded: (screen) => screen.notice("SIGHUP: read certificates and settings again"),
    onEnd: (signal, screen) => screen.notice(`${signal}: finishing; again to end at once`),
  });
}

/** The same, for another host than the command alone. */
export async function serveAs(
  choice: ServeChoice,
  around: CommandSurroundings,
  host: ServeHost,
): Promise<void> {
  let live: LiveChoice = choice;
  const { env, now } = around;
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  // From the start: a signal that arrives while the stores are opening must not end the process in the middle
  // of it.
  let signal = around.signal();
  await using outputs = new ServerOutputs(around.screen, { ...choice, worker: host.worker }, now);
  const { screen } = outputs;
  using sampling = new LogSampling(outputs.log, systemTimer, now);
  const log = choice.logSample ? sampling.write : outputs.log;
  if (choice.service !== undefined) parsePrincipalArgument(choice.service, DEFAULT_REALM, "--service");
  const withKdc = choice.parts.includes("as") || choice.parts.includes("tgs");
  const directory = await directoryOf(choice, withKdc, env);
  const settings = directory?.settings ?? settingsWithoutRealm(choice);
  await using realm = withKdc && directory !== undefined ? await openRealm(directory) : undefined;
  using tls = await LiveTls.open(choice.tls, (text, failed) =>
    log({ time: isoTime(now()), level: failed ? "error" : "info", exchange: "tls", text }),
  );
  await using watched = await Watched.open(choice.metrics, tls, host.onReadiness);
  const world = { realm, directory, settings, credentials: tls?.credentials, metrics: watched.metrics };
  await using running = await start(choice, { screen, log }, now, world);
  host.onReady(announcementFor(choice, running, directory, settings), screen, watched);
  using probe = await probeOf(choice, { running, watched, settings, log, now });
  if (probe === undefined) watched.setReady();
  let name = await signal;
  for (; name === "SIGHUP" || name === "SIGUSR2"; name = await signal) {
    signal = around.signal();
    if (name === "SIGUSR2") screen.notice("SIGUSR2 replaces workers, and there are none: --workers N");
    if (name !== "SIGHUP") continue;
    live = await afterSignal(live, host.reread, screen);
    outputs.logLevel = live.logLevel;
    outputs.reopen(live.logFile);
    await tls?.reload();
    await running.reload();
    await probe?.try();
    host.onReloaded(screen);
  }
  probe?.[Symbol.dispose]();
  watched.setReady("finishing");
  host.onEnd(name, screen);
  await running.stop(live.graceMs);
}

/** The probe that was asked for, after its first login. */
async function probeOf(
  { probe: keytab, tls }: ServeChoice,
  {
    running,
    settings,
    now,
    ...more
  }: Omit<Probed, "begin" | "running" | "timer"> & {
    readonly running: RunningRealm;
    readonly settings: RealmSettings;
  },
): Promise<Probe | undefined> {
  if (keytab === undefined) return undefined;
  const login = { keytab, running, tls, clockSkew: settings.clockSkew, now };
  return startProbe({ begin: () => beginProbeLogin(login), running, now, timer: systemTimer, ...more });
}

/** What servers serve, and over what. */
interface ServedRealm {
  readonly realm: Realm | undefined;
  readonly directory: RealmDirectory | undefined;
  readonly settings: RealmSettings;
  readonly credentials: grpc.ServerCredentials | undefined;
  readonly metrics: PrometheusMetrics | undefined;
}

async function start(
  choice: ServeChoice,
  { screen, log }: Pick<ServerOutputs, "screen" | "log">,
  now: () => number,
  { directory, settings, ...open }: ServedRealm,
): Promise<RunningRealm> {
  const { parts, ports, host, allowWeakCrypto, keytab, service, limits } = choice;
  const withV = parts.includes("v");
  const place = async (name: string | undefined, part: "notes" | "replay") =>
    name ?? (directory === undefined ? besideKeytab(choice, part) : undefined);
  const replayCache = await place(choice.replayCache, "replay");
  if (replayCache === "memory:" && withV)
    screen.notice(
      `V has no memory of authenticators: for ${formatDuration(settings.clockSkew)} ` +
        "it refuses whatever could be a replay (--replay-cache lmdb:DIR)",
    );
  return runRealm({
    ...open,
    directory,
    settings,
    ports: Object.fromEntries(parts.map((part) => [part, ports[part]])),
    host,
    allowWeakCrypto,
    keytab,
    service,
    notes: withV ? await place(choice.notes, "notes") : undefined,
    replayCache,
    replayCacheBytes: choice.replayCacheBytes,
    limits,
    clock: now,
    log,
  });
}

function announcementFor(
  choice: ServeChoice,
  { servers, serviceKeys }: RunningRealm,
  directory: RealmDirectory | undefined,
  { realm, profile }: RealmSettings,
): Announcement {
  const path = choice.keytab ?? directory?.keytabFile;
  const keytab = serviceKeys && path !== undefined ? { path, serviceKeys } : undefined;
  const realmName = directory === undefined && serviceKeys ? realmOf(serviceKeys().principal) : realm;
  const started = [...servers].map(([part, server]) => ({ part, server }));
  return announcementOf(
    { servers: started, realm: realmName, profile, keytab },
    choice.tls.cert !== undefined,
  );
}

/** The realm's folder. V alone can do without it, if it is told what it needs. */
async function directoryOf(
  choice: ServeChoice,
  withKdc: boolean,
  env: Environment,
): Promise<RealmDirectory | undefined> {
  if (!withKdc && choice.keytab !== undefined && choice.dir === undefined) return undefined;
  try {
    return await openRealmDirectory(realmDir(env, choice.dir));
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "missing") throw error;
    const alone =
      choice.keytab === undefined
        ? "or give V its keytab: --keytab FILE"
        : "or leave out --dir: V needs only its keytab";
    throw new CommandError(
      error.message,
      `make it: tessera realm create${withKdc ? "" : `; ${alone}`}`,
      error.code,
    );
  }
}

function settingsWithoutRealm({ profile: name = "standard", clockSkew }: ServeChoice): RealmSettings {
  if (!isProfileName(name)) throw new UsageError("--profile: expected textbook or standard");
  return { ...DEFAULT_SETTINGS, profile: name, clockSkew: clockSkew ?? DEFAULT_SETTINGS.clockSkew };
}

/**
 * Where V alone keeps its data: beside its keytab. Without memory it would refuse all clients for a while at
 * each start.
 */
async function besideKeytab({ keytab }: ServeChoice, part: string): Promise<string> {
  if (keytab === undefined) return "memory:";
  const dir = join(`${resolve(keytab)}.data`, part);
  await makeFolders(dir).catch((error: unknown) => {
    if (!(error instanceof PrivateFileError)) throw error;
    throw new CommandError(
      error.message,
      "V keeps its data beside its keytab unless told where: --notes lmdb:DIR --replay-cache lmdb:DIR",
      error.code,
    );
  });
  return `lmdb:${dir}`;
}
