/**
 * The servers of a realm as one process: started, announced, logged, and ended by a signal.
 *
 * Order of the end: every server says NOT_SERVING and drains; then the stores are closed.
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { formatDuration } from "../../protocol/duration.js";
import type { RealmPolicy } from "../../protocol/policy.js";
import { realmOf } from "../../protocol/principal.js";
import { isProfileName } from "../../protocol/profile.js";
import { LivePolicy } from "../../realm/live-policy.js";
import {
  openPrincipals,
  openRealmDirectory,
  type RealmDirectory,
  type RealmSettings,
} from "../../realm/realm-directory.js";
import type { Log } from "../../services/exchange-log.js";
import { KeytabFile } from "../../services/keytab-file.js";
import { checkWeakCrypto } from "../../services/listen.js";
import { type ListenOptions, startAs, startTgs, startV } from "../../services/realm-servers.js";
import type { RunningServer } from "../../services/server.js";
import { NotesStore } from "../../store/notes-store.js";
import { openReplayCache } from "../../store/open-replay-cache.js";
import { openStore } from "../../store/open-store.js";
import type { ReplayCache } from "../../store/replay-cache.js";
import { StoreError } from "../../store/store-error.js";
import { CommandError, UsageError } from "../command.js";
import { realmDir } from "../environment.js";
import { parsePrincipalArgument } from "../principal-argument.js";
import { DEFAULT_SETTINGS, policyOf } from "../realm.js";
import { notice } from "../screen/output.js";
import { serverCredentials, type TlsFiles } from "../tls.js";
import { announce, logOf, type ServerPart, type ServiceKeytab, type Started } from "./report.js";

/** What `tessera serve` was asked for. */
export interface ServeChoice {
  readonly parts: readonly ServerPart[];
  readonly ports: Readonly<Record<ServerPart, number>>;
  readonly json: boolean;
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
  readonly graceMs: number | undefined;
}

/** Runs the servers until a signal ends them; resolves when everything is closed. */
export async function serve(choice: ServeChoice): Promise<void> {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  // Listened for from the start: a signal while the stores open must not end the process in their midst.
  const signal = nextSignal();
  const closers: Closer[] = [];
  try {
    const started = await startParts(choice, closers);
    announce({ json: choice.json, tls: choice.tls.cert !== undefined }, started);
    const name = await signal;
    notice(`${name}: finishing; again to end at once`);
    process.once("SIGTERM", () => process.exit(1));
    process.once("SIGINT", () => process.exit(1));
    await Promise.all(started.servers.map(({ server }) => server.stop(choice.graceMs)));
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Closes something that was opened; they run in the opposite order. */
type Closer = () => Promise<void>;

async function startParts(choice: ServeChoice, closers: Closer[]): Promise<Started> {
  const { parts } = choice;
  const withKdc = parts.includes("as") || parts.includes("tgs");
  const realm = await realmOfParts(choice, withKdc);
  const settings = realm?.settings ?? settingsWithoutRealm(choice);
  const log = logOf(choice.json);
  const policy = currentPolicy(choice, realm, settings, log, closers);
  const clock = Date.now;
  const keytab = parts.includes("v") ? await openKeytab(choice, realm, log) : undefined;
  const credentials = await serverCredentials(choice.tls);
  const listen = (part: ServerPart): ListenOptions => ({
    host: choice.host,
    port: choice.ports[part],
    credentials,
    allowWeakCrypto: choice.allowWeakCrypto,
  });
  const replayCache = parts.some((part) => part !== "as")
    ? await replayCacheOf(choice, realm, closers)
    : undefined;
  const servers: { part: ServerPart; server: RunningServer }[] = [];
  const add = async (part: ServerPart, starting: Promise<RunningServer>) => {
    const server = await starting;
    // Where a later server does not start, the earlier ones are not left running.
    closers.push(() => server.stop(0));
    servers.push({ part, server });
  };
  if (withKdc && realm !== undefined) {
    const principals = await openPrincipals(realm);
    closers.push(() => principals.close());
    const config = {
      principals,
      clock,
      log,
      get policy() {
        return policy();
      },
    };
    if (parts.includes("as")) await add("as", startAs(config, listen("as")));
    if (parts.includes("tgs") && replayCache !== undefined)
      await add("tgs", startTgs(Object.assign(config, { replayCache }), listen("tgs")));
  }
  if (keytab !== undefined && replayCache !== undefined) {
    const notes = new NotesStore(
      await openStore(choice.notes ?? realm?.notes ?? (await besideKeytab(choice, "notes"))),
    );
    closers.push(() => notes.close());
    const config = {
      serviceKeys: keytab.serviceKeys,
      clockSkew: policy().clockSkew,
      replayCache,
      notes,
      clock,
      log,
      get permittedEtypes() {
        return policy().permittedEtypes;
      },
    };
    await add("v", startV(config, listen("v")));
  }
  const service = keytab?.serviceKeys().principal;
  return {
    servers,
    realm: realm?.settings.realm ?? (service === undefined ? settings.realm : realmOf(service)),
    profile: settings.profile,
    keytab,
  };
}

/** The policy at the moment: with a realm's folder it follows the profile there. */
function currentPolicy(
  choice: ServeChoice,
  realm: RealmDirectory | undefined,
  settings: RealmSettings,
  log: Log,
  closers: Closer[],
): () => RealmPolicy {
  const policy = policyOf(settings);
  if (realm === undefined) return () => policy;
  const live = new LivePolicy({
    dir: realm.dir,
    profile: settings.profile,
    policy,
    check: (permitted) => checkWeakCrypto(choice.host, permitted, choice.allowWeakCrypto),
    onChange: (text, failed) => log({ level: failed ? "error" : "info", exchange: "realm", text }),
  });
  closers.push(async () => live.close());
  return () => live.current;
}

/** The realm's folder; V alone does without, where it is told what it needs. */
async function realmOfParts(choice: ServeChoice, withKdc: boolean): Promise<RealmDirectory | undefined> {
  if (!withKdc && choice.keytab !== undefined && choice.dir === undefined) return undefined;
  try {
    return await openRealmDirectory(realmDir(choice.dir));
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "missing") throw error;
    throw new CommandError(
      error.message,
      withKdc
        ? "make it: tessera realm create"
        : "make it: tessera realm create; or give V its keytab: --keytab FILE",
    );
  }
}

function settingsWithoutRealm({ profile: name = "standard", clockSkew }: ServeChoice) {
  if (!isProfileName(name)) throw new UsageError("--profile: expected textbook or standard");
  return { ...DEFAULT_SETTINGS, profile: name, clockSkew: clockSkew ?? DEFAULT_SETTINGS.clockSkew };
}

async function openKeytab(
  choice: ServeChoice,
  realm: RealmDirectory | undefined,
  log: Log,
): Promise<ServiceKeytab> {
  const path = choice.keytab ?? realm?.keytabFile;
  if (path === undefined) throw new CommandError("V needs its keytab", "give it: --keytab FILE");
  const file = await KeytabFile.open(path, {
    onError: (error) =>
      log({ level: "error", exchange: "V", text: `the old keys stay in use: ${error.message}` }),
  });
  const first = file.principals[0]!;
  const named =
    choice.service === undefined
      ? undefined
      : parsePrincipalArgument(choice.service, realmOf(first), "--service");
  const serviceKeys = () => file.serviceKeys(named);
  serviceKeys(); // a keytab without this service's keys ends the start
  return { path, serviceKeys };
}

async function replayCacheOf(
  choice: ServeChoice,
  realm: RealmDirectory | undefined,
  closers: Closer[],
): Promise<ReplayCache> {
  const name = choice.replayCache ?? realm?.replayCache ?? (await besideKeytab(choice, "replay"));
  const skew = realm?.settings.clockSkew ?? choice.clockSkew ?? DEFAULT_SETTINGS.clockSkew;
  if (name === "memory:")
    notice(
      `no memory of authenticators: for ${formatDuration(skew)} it refuses what could be a replay (--replay-cache lmdb:DIR)`,
    );
  const cache = await openReplayCache(name, { skew, startedAt: Date.now() });
  closers.push(() => cache.close());
  return cache;
}

/** Where V alone keeps things: beside its keytab. Without memory it would refuse every client for a while at each start. */
async function besideKeytab({ keytab }: ServeChoice, part: string): Promise<string> {
  if (keytab === undefined) return "memory:";
  const dir = join(`${resolve(keytab)}.data`, part);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return `lmdb:${dir}`;
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => resolve(name));
  });
}
