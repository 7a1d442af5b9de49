/** Checks what a login needs: the realm's folder, the credential cache, the servers. Changes nothing. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { profileEtypes } from "../../client/client-etypes.js";
import { fileCache } from "../../client/file-credential-cache.js";
import { addressesOf, type KdcAddresses, type KdcHalf, splitAddress } from "../../client/kdc/addresses.js";
import { kdcsByDns, srvName } from "../../client/kdc/dns-lookup.js";
import { HealthClient } from "../../gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../gen/grpc/health/v1/health_pb.js";
import { krbtgtOf, realmOf } from "../../protocol/principal.js";
import { openUnchecked } from "../../realm/open-realm.js";
import { openRealmDirectory, type RealmDirectory } from "../../realm/realm-directory.js";
import { DEFAULT_REALM, DEFAULT_SETTINGS } from "../../realm/realm-settings.js";
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { httpProxyFor } from "../../rpc/http-proxy.js";
import { isLoopbackAddress } from "../../rpc/network-address.js";
import { examineStore } from "../../store/open-store.js";
import { postgresFacts } from "../../store/postgres/facts.js";
import { beginReplayCacheAnew, timesClosedAhead } from "../../store/replay/mend-replay-cache.js";
import { StoreError } from "../../store/store-error.js";
import type { CommandSurroundings } from "../frame/command.js";
import { cachePath, keytabPath, realmDir } from "../frame/environment.js";
import { describeFailure } from "../frame/failure.js";
import type { Environment } from "../frame/surroundings.js";
import type { TlsChoice } from "../options/client-options.js";
import { chosenKdc } from "../options/kdc-choice.js";
import { inRealm } from "../options/realm-choice.js";
import { counted } from "../screen/counted.js";
import type { Screen } from "../screen/screen.js";
import { localTime } from "../screen/times.js";
import { weakNames } from "../screen/weakness.js";
import { readKeytab } from "../session/keytab.js";
import { defaultRealm } from "../session/realm.js";
import { channelCredentials } from "../session/tls.js";
import type { Finding } from "./finding.js";
import { checkKdcs } from "./kdc-checks.js";
import { checkKeys } from "./key-checks.js";
import { checkPage } from "./page-checks.js";

/** What to check; undefined stands for the usual place. */
export interface CheckChoice extends TlsChoice {
  readonly dir: string | undefined;
  readonly cache: string | undefined;
  readonly kdc: readonly string[];
  /** Where V listens. */
  readonly address: string | undefined;
  /** Whether to mend what a wrong clock left in the replay cache. */
  readonly mend: boolean;
  /** Whether to look at every KDC, and at keys. */
  readonly realm: boolean;
  /** The keytab to log in with at every KDC. */
  readonly keytab: string | undefined;
  /** `host:port` of servers' pages of figures. */
  readonly page: readonly string[];
}

/**
 * Checks everything. Throws UsageError, CommandError, PrivateFileError for TLS files, RangeError for
 * addresses.
 */
export async function findings(
  given: CheckChoice,
  { screen, env, now, configuration }: CommandSurroundings,
): Promise<Finding[]> {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const cache = cachePath(env, given.cache);
  const realm = await realmToCheck(cache, env);
  const choice = inRealm(given, realm, configuration, env);
  const credentials = (await channelCredentials(choice)) ?? grpc.credentials.createInsecure();
  const kdcs = await knownKdcs(choice, env, realm ?? DEFAULT_REALM);
  const servers = [...kdcs.servers, { name: "V", address: choice.address ?? DEFAULT_ADDRESSES.v }];
  return [
    ...(await checkRealm(realmDir(env, choice.dir), { screen, now: now(), mend: choice.mend })),
    ...proxies(servers, env),
    await checkCache(cache, now()),
    ...kdcs.found,
    ...(await Promise.all(servers.map((server) => checkServer(server, credentials)))),
    ...(choice.realm ? await wholeRealm(choice, { screen, env, now, credentials, servers }) : []),
    ...(await Promise.all(choice.page.map(checkPage))).flat(),
  ];
}

/** Every KDC by itself, their clocks beside each other, and keys. */
async function wholeRealm(
  choice: CheckChoice,
  {
    screen,
    env,
    now,
    credentials,
    servers,
  }: Pick<CommandSurroundings, "screen" | "env" | "now"> & {
    readonly credentials: grpc.ChannelCredentials;
    readonly servers: readonly NamedServer[];
  },
): Promise<Finding[]> {
  const directory = await openRealmDirectory(realmDir(env, choice.dir)).catch(() => undefined);
  const { profile, clockSkew } = directory?.settings ?? { ...DEFAULT_SETTINGS, profile: "standard" as const };
  return [
    ...(directory === undefined ? [] : await checkKeys(directory, now(), screen)),
    ...(await checkKdcs({
      kdcs: pairsOf(servers),
      credentials,
      withTls: choice["tls-ca"] !== undefined,
      keytab: keytabPath(env, choice.keytab) ?? directory?.keytabFile,
      etypes: profileEtypes(profile),
      clockSkew,
      now,
    })),
  ];
}

/** Each AS with the TGS of its host, or with the one in its place. */
function pairsOf(servers: readonly NamedServer[]): KdcAddresses[] {
  const of = (wanted: string) => servers.filter(({ name }) => name === wanted).map(({ address }) => address);
  const tgss = of("TGS");
  return of("AS").map((as, index) => {
    const { host } = splitAddress(as);
    const beside = tgss.filter((tgs) => splitAddress(tgs).host === host);
    const tgs = beside.length === 1 ? beside[0] : (tgss[index] ?? tgss[0]);
    return { as, tgs: tgs ?? as };
  });
}

/** A server by its part in the realm. */
interface NamedServer {
  readonly name: string;
  readonly address: string;
}

/** Every AS and TGS that was named, or that DNS names for the realm; and what DNS has not told. */
async function knownKdcs(
  choice: CheckChoice,
  env: Environment,
  realm: string,
): Promise<{ readonly servers: readonly NamedServer[]; readonly found: readonly Finding[] }> {
  const kdc = chosenKdc(env, choice.kdc) ?? [DEFAULT_ADDRESSES];
  if (kdc !== "dns") {
    const servers = HALVES.flatMap(([name, half]) =>
      addressesOf(kdc, half).map((address) => ({ name, address })),
    );
    return { servers, found: [] };
  }
  const lookup = kdcsByDns();
  const servers: NamedServer[] = [];
  const found: Finding[] = [];
  for (const [name, half] of HALVES)
    try {
      const addresses = await lookup(realm, half);
      servers.push(...addresses.map((address) => ({ name, address })));
      found.push({ check: "dns", state: "ok", text: `${srvName(realm, half)}: ${addresses.join(", ")}` });
    } catch (error) {
      const { text, hint } = describeFailure(error);
      found.push({ check: "dns", state: "bad", text, hint });
    }
  return { servers, found };
}

/**
 * The realm of the login, or else of this machine; undefined where either is broken, which is found apart.
 */
async function realmToCheck(cache: string, env: Environment): Promise<string | undefined> {
  try {
    const login = await fileCache(cache).load();
    return login === undefined ? await defaultRealm(env) : realmOf(login.client);
  } catch {
    return undefined;
  }
}

const HALVES = [
  ["AS", "as"],
  ["TGS", "tgs"],
] as const satisfies readonly (readonly [string, KdcHalf])[];

/** The proxies that grpc-js takes on its own; to this machine the command goes without one. */
function proxies(servers: readonly NamedServer[], env: Environment): Finding[] {
  return servers.flatMap(({ name, address }) => {
    const proxy = isLoopbackAddress(address) ? undefined : httpProxyFor(address, env);
    if (proxy === undefined) return [];
    const text = `${name} at ${address}: through the proxy of ${proxy.setting}`;
    return [{ check: "proxy", state: "note" as const, text, hint: `to go without it: ${proxy.remedy}` }];
  });
}

interface RealmCheck {
  readonly screen: Screen;
  readonly now: number;
  readonly mend: boolean;
}

async function checkRealm(dir: string, { screen, now, mend }: RealmCheck): Promise<Finding[]> {
  const found: Finding[] = [];
  try {
    const realm = await openRealmDirectory(dir);
    const { settings } = realm;
    const weak = weakNames(settings.profile);
    const text = `${settings.realm}, profile ${settings.profile}, in ${dir}`;
    found.push({ check: "realm", state: "ok", text });
    if (weak !== "")
      found.push({
        check: "profile",
        state: "note",
        text: `permits weak encryption (${weak}): for learning`,
      });
    found.push(...(await openToOthers(dir)));
    const ofServer = await checkServerOf(realm);
    found.push(...ofServer);
    if (ofServer.some(({ state }) => state === "bad")) return found;
    const damaged = await checkDatabases(realm);
    found.push(...damaged);
    if (damaged.some(({ state }) => state === "bad")) return found;
    found.push(...(await checkReplayCache(realm, now, mend)));
    const { principals } = await openUnchecked(realm);
    try {
      let count = 0;
      for await (const _ of principals.list()) count++;
      const tgs = await principals.get(krbtgtOf(settings.realm));
      found.push(
        tgs === undefined
          ? {
              check: "principals",
              state: "bad",
              text: "the realm has no TGS principal",
              hint: "restore a backup",
            }
          : { check: "principals", state: "ok", text: `${count}, every record opens` },
      );
    } finally {
      await principals.close();
    }
    const keys = await readKeytab(realm.keytabFile, screen);
    found.push({
      check: "keytab",
      state: "ok",
      text: `${counted(keys.length, "key")} in ${realm.keytabFile}`,
    });
  } catch (error) {
    const missing = (error as { code?: unknown }).code === "missing";
    const { text, hint } = describeFailure(error);
    // A machine that has clients only has no realm: nothing is wrong with that.
    found.push({ check: "realm", state: missing && found.length === 0 ? "note" : "bad", text, hint });
  }
  return found;
}

/** What there is to say of the PostgreSQL that keeps the principals, where one does. */
async function checkServerOf({ settings, principals }: RealmDirectory): Promise<Finding[]> {
  if (settings.database === undefined) return [];
  try {
    const { text, version, standbys, synchronous } = await postgresFacts(principals);
    const waits = `standbys ${standbys}, waited for ${synchronous}`;
    const ok: Finding = { check: "database", state: "ok", text: `${text}: primary, ${version}, ${waits}` };
    if (synchronous > 0) return [ok];
    return [
      ok,
      {
        check: "database",
        state: "note",
        text: "a change is acknowledged before a standby has it: a failover may lose the last ones",
        hint: "set synchronous_standby_names there",
      },
    ];
  } catch (error) {
    const { text, hint } = describeFailure(error);
    return [{ check: "database", state: "bad", text, hint }];
  }
}

/** Reads the databases of the realm, each in a process of its own: damage can end the one that meets it. */
async function checkDatabases(realm: RealmDirectory): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const part of DATABASES) {
    const damage = await examineStore(realm[part]);
    const hint =
      part === "replayCache"
        ? "stop the servers, wait twice the clock skew, empty this folder"
        : "restore a backup";
    if (damage !== undefined)
      found.push({ check: "database", state: "bad", text: `${realm[part]}: ${damage}`, hint });
  }
  if (found.length > 0) return found;
  return [{ check: "database", state: "ok", text: "principals, notes and replay: every record can be read" }];
}

/** What a clock that was ahead has left behind: times from which V will take nothing. */
async function checkReplayCache(
  { replayCache, settings: { clockSkew }, dir }: RealmDirectory,
  now: number,
  mend: boolean,
): Promise<Finding[]> {
  if ((await readdir(join(dir, "replay"))).length === 0) return [];
  const anew = async (): Promise<Finding[]> => {
    await beginReplayCacheAnew(replayCache, clockSkew, now);
    const text = `begun anew: V takes calls that are made after ${localTime(now + clockSkew)}`;
    return [{ check: "replay", state: "note", text }];
  };
  const hint =
    "tessera doctor --mend; first tessera kadmin ktadd for V, if tickets made by then may still be good";
  try {
    const ahead = await timesClosedAhead(replayCache, clockSkew, now);
    if (ahead.length > 0 && mend) return anew();
    return ahead.map(({ from, through }) => ({
      check: "replay",
      state: from <= now + clockSkew ? "bad" : "note",
      text:
        "this machine's clock was once ahead: V takes nothing made from " +
        `${from === Number.NEGATIVE_INFINITY ? "any time" : localTime(from)} to ${localTime(through)}`,
      hint,
    }));
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "corrupt") throw error;
    if (mend) return anew();
    return [{ check: "replay", state: "bad", text: error.message, hint: "tessera doctor --mend" }];
  }
}

const DATABASES = ["principals", "notes", "replayCache"] as const;

/** Finds files of the realm that somebody else could read. */
async function openToOthers(dir: string): Promise<Finding[]> {
  const names = await readdir(dir, { recursive: true });
  const found: Finding[] = [];
  for (const name of names) {
    const path = join(dir, name);
    const { mode } = await lstat(path);
    if ((mode & 0o077) !== 0 && name !== "realm.json" && !/\.mdb$/.test(name))
      found.push({
        check: "files",
        state: "bad",
        text: `${path}: open to others`,
        hint: `chmod go= ${path}`,
      });
  }
  return found;
}

async function checkCache(path: string, now: number): Promise<Finding> {
  try {
    const login = await fileCache(path).load();
    if (login === undefined)
      return { check: "cache", state: "note", text: "nobody is logged in", hint: "tessera kinit" };
    const end = Math.max(0, ...login.credentials.map(({ endtime }) => endtime));
    const clock =
      Math.abs(login.kdcOffset) < 1000
        ? "the clocks agree"
        : `the KDC's clock is ${login.kdcOffset} ms off ours`;
    const over = end <= now + login.kdcOffset;
    if (over)
      return { check: "cache", state: "note", text: `${login.client}: expired`, hint: "tessera kinit" };
    const far = Math.abs(login.kdcOffset) > 60_000;
    return {
      check: "cache",
      state: far ? "bad" : "ok",
      text: `${login.client} until ${localTime(end)}; ${clock}`,
      // Measured at the login: by now the clock may be right.
      hint: far ? "set the clock (NTP); where it has been set since, log in again: tessera kinit" : undefined,
    };
  } catch (error) {
    return { check: "cache", state: "bad", ...describeFailure(error) };
  }
}

async function checkServer(
  { name, address }: NamedServer,
  credentials: grpc.ChannelCredentials,
): Promise<Finding> {
  using client = new HealthClient(address, credentials, { timeoutMs: 3000 });
  try {
    const { status } = await client.check({ service: "" });
    const text = `${address}: ${ServingStatus[status]}`;
    return { check: name, state: status === ServingStatus.SERVING ? "ok" : "bad", text };
  } catch (error) {
    const { text, hint } = describeFailure(error);
    return { check: name, state: "bad", text, hint };
  }
}
