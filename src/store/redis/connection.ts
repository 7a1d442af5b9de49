/**
 * One connection to a Redis server, which stays one to the same process of it: it is never made anew behind
 * the caller's back, so that whoever holds it knows whose memory it asks.
 */
import { Redis } from "ioredis";
import { readPublicFile } from "../../files/public-file.js";
import { readSecret } from "../../files/secret-file.js";
import { systemErrorText } from "../../files/system-error.js";
import { StoreError } from "../store-error.js";

/** The files of TLS to a Redis server, in PEM, by redis-cli's names for them. */
export interface RedisTlsFiles {
  /** The authorities of the server's certificate; undefined: those that Node trusts. */
  readonly cacert: string | undefined;
  /** The client's certificate and its key, which others can't read; undefined: the server asks for none. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Where a Redis server is, and under which name a cache is kept there. */
export interface RedisPlace {
  readonly url: URL;
  /** Part of each key. */
  readonly name: string;
  /** Undefined: without TLS. */
  readonly tls: RedisTlsFiles | undefined;
  /** For messages: the address, without a password. */
  readonly text: string;
}

const PARAMETERS = ["name", "cacert", "cert", "key"] as const;

/**
 * Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?name=NAME]`; `rediss:` for TLS, with the parameters
 * `cacert`, `cert` and `key`.
 * @throws RangeError for anything else; it shows no password.
 */
export function redisPlace(name: string): RedisPlace {
  const url = URL.canParse(name) ? new URL(name) : undefined;
  const given = url?.searchParams ?? new URLSearchParams();
  const [asked = "replay", cacert, cert, key] = PARAMETERS.map((name) => given.get(name) ?? undefined);
  const hasTls = url?.protocol === "rediss:";
  const isGood =
    url !== undefined &&
    /^rediss?:$/.test(url.protocol) &&
    url.hostname !== "" &&
    /^(\/\d*)?$/.test(url.pathname) &&
    url.hash === "" &&
    [...given.keys()].every((name) => (PARAMETERS as readonly string[]).includes(name)) &&
    (hasTls || [cacert, cert, key].every((file) => file === undefined)) &&
    (cert === undefined) === (key === undefined) &&
    /^[A-Za-z0-9._-]{1,64}$/.test(asked);
  if (!isGood)
    throw new RangeError(
      "replay cache: expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?name=NAME], or rediss: for " +
        "TLS, where cacert=FILE, and cert=FILE with key=FILE, may follow",
    );
  const tls = hasTls ? { cacert, cert, key } : undefined;
  return { url, name: asked, tls, text: `Redis at ${url.host}` };
}

/** A connection whose server is fit. */
export interface RedisConnection {
  readonly redis: Redis;
  /** The script, as the server knows it. */
  readonly script: string;
  /** Which process answers: another after each start of the server, and another on each machine. */
  readonly run: string;
  /** Ends it, once: each time the driver is told adds listeners to its socket. */
  readonly end: () => void;
}

/**
 * Connects, and checks that the server is fit to remember.
 * @param script in Lua, for `evalsha`.
 * @param limitMs how long it may take, in milliseconds.
 * @throws StoreError `unavailable` if it can't be reached; `unsafe` if it might forget, saying what to set.
 */
export async function connectToRedis(
  place: RedisPlace,
  script: string,
  limitMs: number,
): Promise<RedisConnection> {
  const { url } = place;
  const tls = place.tls && (await readTlsFiles(place.tls));
  const redis = new Redis({
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1) || 0),
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(tls === undefined ? {} : { tls }),
    connectionName: `tessera-${place.name}`,
    connectTimeout: limitMs,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let cause: unknown;
  redis.on("error", (error) => {
    cause = error;
  });
  let isEnding = false;
  const end = () => {
    if (!isEnding) redis.disconnect();
    isEnding = true;
  };
  const late = setTimeout(end, limitMs);
  try {
    await redis.connect();
    const info = readInfo(await redis.info());
    checkServer(place, info);
    const loaded = String(await redis.script("LOAD", script));
    return { redis, script: loaded, run: info.get("run_id") as string, end };
  } catch (error) {
    end();
    if (error instanceof StoreError) throw error;
    const why = cause instanceof Error ? cause : error;
    const text = why instanceof Error ? why.message : String(why);
    throw new StoreError("unavailable", `${place.text}: ${text}`, { hint: hintOf(why), cause: why });
  } finally {
    clearTimeout(late);
  }
}

/**
 * Reads the files anew for each connection: certificates are renewed. Throws StoreError, PrivateFileError.
 */
async function readTlsFiles({ cacert, cert, key }: RedisTlsFiles): Promise<{
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}> {
  const given = async (file: string) => {
    try {
      return Buffer.from(await readPublicFile(file));
    } catch (error) {
      throw new StoreError("unavailable", `${file}: ${systemErrorText(error)}`, { cause: error });
    }
  };
  return {
    ...(cacert === undefined ? {} : { ca: await given(cacert) }),
    ...(cert === undefined ? {} : { cert: await given(cert) }),
    ...(key === undefined ? {} : { key: Buffer.from(await readSecret(key)) }),
  };
}

/** OpenSSL's names for a certificate that no known authority stands behind. */
const UNTRUSTED = /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/;

function hintOf(cause: unknown): string | undefined {
  if (!UNTRUSTED.test(String((cause as { code?: unknown } | undefined)?.code))) return undefined;
  return "name the authority's certificate in the address: ?cacert=FILE";
}

function readInfo(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(/\r?\n/).map((line) => /^([a-z0-9_]+):(.*)$/.exec(line));
  return new Map(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1], pair[2]] as [string, string]])));
}

/** What a server must be: `info` as INFO says it. */
export function checkServer({ text }: Pick<RedisPlace, "text">, info: ReadonlyMap<string, string>): void {
  const unfit = (what: string, hint: string) => new StoreError("unsafe", `${text}: ${what}`, { hint });
  if (!(Number.parseInt(info.get("redis_version") ?? "", 10) >= 6) || !/^\w+$/.test(info.get("run_id") ?? ""))
    throw unfit("is no Redis of version 6 or later", "use one that is");
  if (info.get("redis_mode") === "cluster")
    throw unfit("is part of a cluster", "use a server of its own, with replicas or without");
  if (info.get("role") !== "master") throw unfit("is a replica", "name its primary");
  if (info.get("maxmemory_policy") !== "noeviction")
    throw unfit(
      `forgets when memory is short (maxmemory-policy ${info.get("maxmemory_policy")})`,
      "set maxmemory-policy noeviction",
    );
  if (Number(info.get("connected_slaves")) > 0 && !info.has("min_slaves_good_slaves"))
    throw unfit(
      "takes writes that no replica has, after it was replaced by one",
      "set min-replicas-to-write 1 and min-replicas-max-lag 10",
    );
}
