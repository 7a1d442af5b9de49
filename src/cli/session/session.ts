/** The client of a command: a KerberosClient over the file cache, made from options and environment. */
import * as grpc from "@grpc/grpc-js";
import type { AdviceMemory } from "../../client/advice-file.js";
import { type ClientEtypes, profileEtypes } from "../../client/client-etypes.js";
import type { CredentialCache } from "../../client/credential-cache.js";
import { fileCache } from "../../client/file-credential-cache.js";
import { kdcsByDns } from "../../client/kdc/dns-lookup.js";
import { KerberosClient } from "../../client/kerberos-client.js";
import { traceCalls } from "../../client/trace/trace-calls.js";
import { traceTo } from "../../client/trace/trace-file.js";
import { type Principal, realmOf } from "../../protocol/principal.js";
import type { CommandSurroundings } from "../frame/command.js";
import { cachePath } from "../frame/environment.js";
import type { Environment } from "../frame/surroundings.js";
import { type ClientChoice, clientSettings } from "../options/client-options.js";
import { inRealm } from "../options/realm-choice.js";
import { realmSettings } from "./realm.js";
import { channelCredentials } from "./tls.js";

/** A client and where its login is kept. */
export interface Session extends Disposable {
  readonly client: KerberosClient;
  readonly cache: CredentialCache;
  /** What traces the calls of the command that no client of tickets makes. */
  readonly tracing: readonly grpc.Interceptor[];
}

/** What a session may be made of instead of the usual. */
export interface SessionParts {
  /** Instead of the file cache. */
  readonly cache?: CredentialCache;
  /** Who logs in; by default the one whose login the cache holds. */
  readonly principal?: Principal;
  /** What it remembers of KDCs' advice; nothing by default. */
  readonly advice?: AdviceMemory;
  /** They stand outside of the one that traces. */
  readonly interceptors?: readonly grpc.Interceptor[];
}

/** Opens a session. Throws UsageError for options that make no sense, and as `channelCredentials`. */
export async function openSession(
  given: ClientChoice,
  { env, now, screen, configuration }: CommandSurroundings,
  { cache = fileCache(cachePath(env, given.cache)), principal, advice, interceptors = [] }: SessionParts = {},
): Promise<Session> {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const who = principal ?? (await cachedClient(cache));
  const choice = inRealm(given, who && realmOf(who), configuration, env);
  const settings = clientSettings(choice, env);
  const trace = traceTo(env.TESSERA_TRACE, (text) => screen.notice(text));
  const client = new KerberosClient({
    ...settings,
    kdc: settings.kdc === "dns" ? kdcsByDns() : settings.kdc,
    etypes: settings.etypes ?? (await realmEtypes(who, env)),
    cache,
    advice,
    clock: now,
    credentials: await channelCredentials(choice),
    // An embedded command goes by its own environment, and by that alone.
    trace: trace ?? NO_TRACE,
    interceptors,
    onUnkept: ({ message }) => screen.notice(`the ticket is used, and not kept: ${message}`),
  });
  const tracing = trace === undefined ? [] : [traceCalls(trace)];
  return { client, cache, tracing, [Symbol.dispose]: () => client.close() };
}

const NO_TRACE = () => {};

/**
 * The encryption types of a client of a realm whose folder is on this machine; undefined, which stands for
 * `standard`, where there is none.
 */
async function realmEtypes(
  client: Principal | undefined,
  env: Environment,
): Promise<ClientEtypes | undefined> {
  const settings = client === undefined ? undefined : await realmSettings(env);
  if (client === undefined || settings?.realm !== realmOf(client)) return undefined;
  return profileEtypes(settings.profile);
}

/**
 * Who is logged in. A cache that can't be read says nothing of it; what needs the cache says what is wrong.
 */
async function cachedClient(cache: CredentialCache): Promise<Principal | undefined> {
  return (await cache.load().catch(() => undefined))?.client;
}
