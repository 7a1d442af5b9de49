/** A client as the commands use it: from options and environment to a KerberosClient over the file cache. */
import * as grpc from "@grpc/grpc-js";
import type { CredentialCache } from "../../client/credential-cache.js";
import { fileCache } from "../../client/file-credential-cache.js";
import { KerberosClient } from "../../client/kerberos-client.js";
import type { CommandSurroundings } from "../frame/command.js";
import { cachePath } from "../frame/environment.js";
import { type ClientChoice, clientSettings } from "../options/client-options.js";
import { channelCredentials } from "./tls.js";
import { traceInterceptors } from "./trace.js";

/** A client and where its login is kept. */
export interface Session extends Disposable {
  readonly client: KerberosClient;
  readonly cache: CredentialCache;
}

/** What a session may be made with instead of what is usual. */
export interface SessionParts {
  /** Instead of the file cache. */
  readonly cache?: CredentialCache;
  /** Outside of the one that traces. */
  readonly interceptors?: readonly grpc.Interceptor[];
}

/** Opens a session. Throws UsageError for options that make no sense, and as `channelCredentials`. */
export async function openSession(
  choice: ClientChoice,
  { env, now, screen }: CommandSurroundings,
  { cache = fileCache(cachePath(env, choice.cache)), interceptors = [] }: SessionParts = {},
): Promise<Session> {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const client = new KerberosClient({
    ...clientSettings(choice, env),
    cache,
    clock: now,
    credentials: await channelCredentials(choice),
    interceptors: [...interceptors, ...traceInterceptors(env.TESSERA_TRACE)],
    onUnkept: ({ message }) => screen.notice(`the ticket is used, and not kept: ${message}`),
  });
  return { client, cache, [Symbol.dispose]: () => client.close() };
}
