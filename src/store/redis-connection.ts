/**
 * One connection to a Redis server, which stays one to the same process of it: it is never made anew behind
 * the caller's back, so that whoever holds it knows whose memory it asks.
 */
import { Redis } from "ioredis";
import { StoreError } from "./store-error.js";

/** Where a Redis server is, and under which name a cache is kept there. */
export interface RedisPlace {
  readonly url: URL;
  /** Part of each key. */
  readonly name: string;
  /** For messages: the address, without a password. */
  readonly text: string;
}

/**
 * Reads `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?name=NAME]`; `rediss:` for TLS.
 * @throws RangeError for anything else; it shows no password.
 */
export function redisPlace(name: string): RedisPlace {
  const url = URL.canParse(name) ? new URL(name) : undefined;
  const asked = url?.searchParams.get("name") ?? "replay";
  const isGood =
    url !== undefined &&
    /^rediss?:$/.test(url.protocol) &&
    url.hostname !== "" &&
    /^(\/\d*)?$/.test(url.pathname) &&
    url.hash === "" &&
    [...url.searchParams.keys()].every((key) => key === "name") &&
    /^[A-Za-z0-9._-]{1,64}$/.test(asked);
  if (!isGood)
    throw new RangeError(
      "replay cache: expected redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?name=NAME], or rediss: for TLS",
    );
  return { url, name: asked, text: `Redis at ${url.host}` };
}

/** A connection whose server is fit. */
export interface RedisConnection {
  readonly redis: Redis;
  /** The script, as the server knows it. */
  readonly script: string;
  /** Which process answers: another after each start of the server, and another on each machine. */
  readonly run: string;
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
  const redis = new Redis({
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1) || 0),
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
    ...(url.protocol === "rediss:" ? { tls: {} } : {}),
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
  const late = setTimeout(() => redis.disconnect(), limitMs);
  try {
    await redis.connect();
    const info = readInfo(await redis.info());
    checkServer(place, info);
    const loaded = String(await redis.script("LOAD", script));
    return { redis, script: loaded, run: info.get("run_id") as string };
  } catch (error) {
    redis.disconnect();
    if (error instanceof StoreError) throw error;
    const why = cause instanceof Error ? cause : error;
    throw new StoreError(
      "unavailable",
      `${place.text}: ${why instanceof Error ? why.message : String(why)}`,
      {
        cause: why,
      },
    );
  } finally {
    clearTimeout(late);
  }
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
