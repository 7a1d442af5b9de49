/** Checks what a login needs: the realm's folder, the credential cache, the servers. Changes nothing. */
import * as grpc from "@grpc/grpc-js";
import { profileEtypes } from "../../client/client-etypes.js";
import { fileCache } from "../../client/file-credential-cache.js";
import { addressesOf, type KdcAddresses, type KdcHalf, splitAddress } from "../../client/kdc/addresses.js";
import { kdcsByDns, srvName } from "../../client/kdc/dns-lookup.js";
import { HealthClient } from "../../gen/grpc/health/v1/health_grpc.js";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../gen/grpc/health/v1/health_pb.js";
import { realmOf } from "../../protocol/principal.js";
import { openRealmDirectory } from "../../realm/realm-directory.js";
import { DEFAULT_REALM, DEFAULT_SETTINGS } from "../../realm/realm-settings.js";
import { DEFAULT_ADDRESSES } from "../../rpc/default-addresses.js";
import { httpProxyFor } from "../../rpc/http-proxy.js";
import { isLoopbackAddress } from "../../rpc/network-address.js";
import type { CommandSurroundings } from "../frame/command.js";
import { cachePath, keytabPath, realmDir } from "../frame/environment.js";
import { describeFailure } from "../frame/failure.js";
import type { Environment } from "../frame/surroundings.js";
import type { TlsChoice } from "../options/client-options.js";
import { chosenKdc } from "../options/kdc-choice.js";
import { inRealm } from "../options/realm-choice.js";
import { localTime } from "../screen/times.js";
import { defaultRealm } from "../session/realm.js";
import { channelCredentials } from "../session/tls.js";
import type { Finding } from "./finding.js";
import { checkRealmFolder } from "./folder-checks.js";
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
  const v = choice.address ?? DEFAULT_ADDRESSES.v;
  // A machine of KDCs need not have a V.
  const isWanted = choice.address !== undefined || !choice.realm;
  const servers = [...kdcs.servers, { name: "V", address: v, isWanted }];
  return [
    ...(await checkRealmFolder(realmDir(env, choice.dir), { screen, now: now(), mend: choice.mend })),
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
  /** False: nobody has said that there is one. */
  readonly isWanted?: boolean;
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
  { name, address, isWanted = true }: NamedServer,
  credentials: grpc.ChannelCredentials,
): Promise<Finding> {
  using client = new HealthClient(address, credentials, { timeoutMs: 3000 });
  try {
    const { status } = await client.check({ service: "" });
    const text = `${address}: ${ServingStatus[status]}`;
    return { check: name, state: status === ServingStatus.SERVING ? "ok" : "bad", text };
  } catch (error) {
    const { text, hint } = describeFailure(error);
    if (isWanted) return { check: name, state: "bad", text, hint };
    const elsewhere = "where it runs elsewhere: --address HOST:PORT";
    return { check: name, state: "note", text: `none at ${address}`, hint: elsewhere };
  }
}
