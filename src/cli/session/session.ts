/** A client as the commands use it: from options and environment to a KerberosClient over the file cache. */
import * as grpc from "@grpc/grpc-js";
import type { CredentialCache } from "../../client/credential-cache.js";
import { fileCache } from "../../client/file-credential-cache.js";
import { KerberosClient } from "../../client/kerberos-client.js";
import { cachePath } from "../frame/environment.js";
import { type ClientChoice, clientSettings } from "../options/client-options.js";
import { notice } from "../screen/output.js";
import { channelCredentials } from "./tls.js";
import { traceInterceptors } from "./trace.js";

/** A client and where its login is kept. */
export interface Session extends Disposable {
  readonly client: KerberosClient;
  readonly cache: CredentialCache;
}

/** Opens a session. Throws UsageError for options that make no sense, and as `channelCredentials`. */
export async function openSession(
  choice: ClientChoice,
  more: readonly grpc.Interceptor[] = [],
  cache: CredentialCache = fileCache(cachePath(choice.cache)),
): Promise<Session> {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const client = new KerberosClient({
    ...clientSettings(choice),
    cache,
    credentials: await channelCredentials(choice),
    interceptors: [...more, ...traceInterceptors()],
    onUnkept: ({ message }) => notice(`the ticket is used, and not kept: ${message}`),
  });
  return { client, cache, [Symbol.dispose]: () => client.close() };
}
