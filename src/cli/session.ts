/** A client as the commands use it: from options and environment to a KerberosClient over the file cache. */
import * as grpc from "@grpc/grpc-js";
import {
  type CachedLogin,
  type ClientEtypes,
  type CredentialCache,
  fileCache,
  type KdcAddresses,
  KerberosClient,
  parseKdcAddresses,
} from "../client/index.js";
import { etypeByName, etypesWithIntegrity } from "../protocol/etypes.js";
import { CommandError, type OptionSpecs, UsageError } from "./command.js";
import { cachePath, kdcText } from "./environment.js";
import { parseLifetime } from "./screen/times.js";
import { channelCredentials, TLS_OPTIONS, type TlsChoice } from "./tls.js";
import { traceInterceptors } from "./trace.js";

/** Options of every command that uses the credential cache. */
export const CACHE_OPTIONS = {
  cache: { short: "c", value: "FILE", help: "credential cache; TESSERA_CCACHE, or /tmp/tesseracc_UID" },
} as const satisfies OptionSpecs;

/** Options of every command that talks to servers. */
export const CLIENT_OPTIONS = {
  ...CACHE_OPTIONS,
  kdc: {
    value: "AS[,TGS]",
    help: "HOST:PORT of the AS and of the TGS; the TGS is the next port unless given",
  },
  etype: {
    short: "e",
    value: "ETYPE",
    multiple: true,
    help: "encryption type accepted, best first; may be repeated or a list with commas",
  },
  ...TLS_OPTIONS,
  timeout: { value: "TIME", help: "how long one call may take; 10s" },
} as const satisfies OptionSpecs;

/** What was chosen of them. */
export interface ClientChoice extends TlsChoice {
  readonly cache: string | undefined;
  readonly kdc: string | undefined;
  readonly etype: readonly string[];
  readonly timeout: string | undefined;
}

/** A client and where its login is kept. */
export interface Session extends Disposable {
  readonly client: KerberosClient;
  readonly cache: CredentialCache;
  /** Where the KDC is, if somebody said so. */
  readonly kdc: KdcAddresses | undefined;
}

/** Opens a session. Throws UsageError for options that say nothing sensible, and as `channelCredentials`. */
export async function openSession(
  choice: ClientChoice,
  more: readonly grpc.Interceptor[] = [],
  cache: CredentialCache = fileCache(cachePath(choice.cache)),
): Promise<Session> {
  grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const text = kdcText(choice.kdc);
  const kdc = text === undefined ? undefined : addresses(text);
  const client = new KerberosClient({
    cache,
    kdc,
    credentials: await channelCredentials(choice),
    etypes: chosenEtypes(choice.etype),
    timeoutMs: choice.timeout === undefined ? undefined : parseLifetime(choice.timeout, "--timeout"),
    interceptors: [...more, ...traceInterceptors()],
  });
  return { client, cache, kdc, [Symbol.dispose]: () => client.close() };
}

/** What the cache keeps. Throws CommandError when nobody is logged in. */
export async function cachedLogin(cache: CredentialCache): Promise<CachedLogin> {
  const login = await cache.load();
  if (login !== undefined) return login;
  throw new CommandError(`nobody is logged in: there is no ${cache.name}`, "run `tessera kinit`");
}

/** The numbers of encryption types typed as names or numbers, with commas or one by one. Throws UsageError. */
export function parseEtypes(words: readonly string[], option: string): number[] {
  return words
    .flatMap((word) => word.split(","))
    .filter((word) => word !== "")
    .map((word) => {
      // MIT writes `aes256-cts:normal`: the salt is always the normal one here.
      const name = word.toLowerCase().replace(/:normal$/, "");
      const row = etypeByName(name);
      if (row === undefined)
        throw new UsageError(
          `${option}: no encryption type ${word}; there are ${etypesWithIntegrity()
            .map((etype) => etype.name)
            .join(", ")}`,
        );
      return row.etype;
    });
}

function chosenEtypes(words: readonly string[]): ClientEtypes | undefined {
  const permitted = parseEtypes(words, "--etype");
  return permitted[0] === undefined ? undefined : { permitted, first: permitted[0] };
}

function addresses(text: string): KdcAddresses {
  try {
    return parseKdcAddresses(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
