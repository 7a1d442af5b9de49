/** `tessera serve`: runs the servers of a realm until it is told to end. */
import { isDeepStrictEqual } from "node:util";
import { DEFAULT_HOST, DEFAULT_PORTS } from "../../rpc/default-addresses.js";
import { type CommandSurroundings, defineCommand, UsageError } from "../frame/command.js";
import { keytabPath } from "../frame/environment.js";
import { pageAddress, portNumber } from "../options/listen-addresses.js";
import { logLevelOf, samplingOf } from "../options/log-options.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { limitsOf } from "../options/server-limits.js";
import { replayCacheSize } from "../options/sizes.js";
import { parseLifetime } from "../screen/times.js";
import type { Rereading } from "../serving/after-signal.js";
import type { ServeChoice } from "../serving/serve.js";
import type { PrimaryChoice } from "../serving/workers/primary.js";

const PARTS = ["as", "tgs", "v"] as const;

export const command = defineCommand({
  name: "serve",
  usage: ["[OPTION…] [as] [tgs] [v]"],
  description:
    "Runs the AS, the TGS and the service V: all three, unless some are named. AS and TGS need the " +
    "realm's folder; V needs only its keytab. Prints where each listens, then `ready`, then a line for " +
    "each exchange: JSON, or text on a terminal. SIGTERM and SIGINT let running calls finish; a second " +
    "signal ends at once. SIGHUP reads certificates and settings again, and opens the log file again. With " +
    "--workers, one that dies is followed by another, and SIGUSR2 replaces all of them, one by one. Each " +
    "option may stand in tessera.toml: tessera config show.",
  examples: [
    "tessera serve",
    "tessera serve as tgs --host 0.0.0.0 --tls-cert kdc.pem --tls-key kdc.key",
    "tessera serve v --keytab v.keytab --profile standard --notes lmdb:./notes --replay-cache lmdb:./replay",
  ],
  section: "server",
  options: {
    ...REALM_OPTIONS,
    host: { value: "HOST", help: `the address to listen on; ${DEFAULT_HOST}`, otherwise: DEFAULT_HOST },
    "as-port": {
      value: "PORT",
      help: `${DEFAULT_PORTS.as}; 0 for any free port`,
      otherwise: String(DEFAULT_PORTS.as),
    },
    "tgs-port": { value: "PORT", help: String(DEFAULT_PORTS.tgs), otherwise: String(DEFAULT_PORTS.tgs) },
    "v-port": { value: "PORT", help: String(DEFAULT_PORTS.v), otherwise: String(DEFAULT_PORTS.v) },
    "allow-weak-crypto": { help: "listen beyond loopback even though the profile permits weak encryption" },
    "tls-cert": { value: "FILE", help: "use TLS; the server's certificate chain (PEM)" },
    "tls-key": { value: "FILE", help: "the certificate's key (PEM), a file that only you can read" },
    "tls-client-ca": {
      value: "FILE",
      help: "accept only clients with certificates of these authorities (PEM)",
    },
    keytab: {
      value: "FILE",
      help: "V's keytab; TESSERA_KEYTAB, or v.keytab in the realm's folder",
      variable: "TESSERA_KEYTAB",
    },
    service: { value: "PRINCIPAL", help: "V's principal, if its keytab holds several" },
    profile: {
      value: "PROFILE",
      help: "for V without the realm's folder: textbook or standard; standard",
      otherwise: "standard",
    },
    "clock-skew": {
      value: "TIME",
      help: "for V without the realm's folder: permitted difference between clocks; 5m",
      otherwise: "5m",
    },
    notes: {
      key: "store.notes",
      value: "STORE",
      help: "where V keeps notes, lmdb:DIR or memory:; the realm's folder, or KEYTAB.data for V alone",
    },
    "replay-cache": {
      key: "store.replay-cache",
      value: "STORE",
      help: "where V remembers authenticators; as for --notes, or redis://HOST",
    },
    "replay-cache-size": {
      key: "store.replay-cache-size",
      otherwise: "256M",
      value: "SIZE",
      help: "the memory that they may take, 64 bytes for each: bytes, or 64K, 256M, 1G; 256M",
    },
    workers: {
      value: "COUNT",
      help: "serve by so many processes that share the ports; 0: one a core. Without it: by this one",
    },
    log: {
      key: "log.file",
      value: "FILE",
      help: "append the log to this file, made with mode 0600, instead of stdout; opened again at SIGHUP",
    },
    "log-level": {
      key: "log.level",
      value: "LEVEL",
      help: "lines of this level and above: info, warn or error; info",
      otherwise: "info",
    },
    "log-sample": {
      key: "log.sample",
      value: "on|off",
      help: "whether the same refusal of the same peer is one line a second, and a count; on",
      otherwise: "on",
    },
    "max-connections": {
      value: "COUNT[/COUNT]",
      help: "connections at a time, of all servers together, and of one peer; 4096, half of it for one peer",
      otherwise: "4096",
    },
    "max-calls": {
      value: "COUNT[/COUNT]",
      help: "calls at a time, likewise; 4096, half of it for one peer",
      otherwise: "4096",
    },
    "max-bytes": {
      value: "SIZE[/SIZE]",
      help: "bytes of requests and of unread replies that calls hold, likewise; 64M, half of it for one peer",
      otherwise: "64M",
    },
    "trusted-proxy": {
      value: "ADDRESS",
      help: "an address that speaks for many peers, and has no share of its own; several: give it again",
      multiple: true,
    },
    metrics: {
      key: "metrics.listen",
      value: "[HOST:]PORT",
      help: `show figures for Prometheus at /metrics, and /livez and /readyz, by HTTP; on ${DEFAULT_HOST}`,
    },
    probe: {
      value: "KEYTAB",
      help: "log in every 5 s with this keytab, and say NOT_SERVING while that fails; for AS and TGS",
    },
    grace: { value: "TIME", help: "how long running calls may take to finish; 5s", otherwise: "5s" },
  },
  arguments: [0, 3],
  words: ["as", "tgs", "v"],
  run: async ({ options: given, reread, positionals, json, ...around }) => {
    for (const part of positionals)
      if (!(PARTS as readonly string[]).includes(part))
        throw new UsageError(`no server ${part}; there are as, tgs and v`);
    const parts = positionals.length === 0 ? PARTS : PARTS.filter((part) => positionals.includes(part));
    const choiceOf = (options: typeof given): ServeChoice => ({
      parts,
      ports: {
        as: read(options["as-port"], "--as-port", portNumber) ?? DEFAULT_PORTS.as,
        tgs: read(options["tgs-port"], "--tgs-port", portNumber) ?? DEFAULT_PORTS.tgs,
        v: read(options["v-port"], "--v-port", portNumber) ?? DEFAULT_PORTS.v,
      },
      json,
      logFile: options.log,
      logLevel: logLevelOf(options["log-level"] ?? "info", "--log-level"),
      logSample: samplingOf(options["log-sample"] ?? "on", "--log-sample"),
      dir: options.dir,
      host: options.host ?? DEFAULT_HOST,
      allowWeakCrypto: options["allow-weak-crypto"],
      tls: { cert: options["tls-cert"], key: options["tls-key"], clientCa: options["tls-client-ca"] },
      keytab: keytabPath(around.env, options.keytab),
      service: options.service,
      profile: options.profile,
      clockSkew: read(options["clock-skew"], "--clock-skew", parseLifetime),
      notes: options.notes,
      replayCache: options["replay-cache"],
      replayCacheBytes: replayCacheSize(options["replay-cache-size"], "--replay-cache-size"),
      limits: limitsOf(options),
      probe: probeOf(options.probe, parts),
      metrics: read(options.metrics, "--metrics", pageAddress),
      graceMs: read(options.grace, "--grace", parseLifetime),
    });
    const choice = choiceOf(given);
    const rereading =
      (live: readonly string[]): Rereading =>
      async () => {
        const latest = await reread();
        const waiting = (Object.keys(latest) as (keyof typeof given)[]).filter(
          (name) => !live.includes(name) && !isDeepStrictEqual(latest[name], given[name]),
        );
        return { choice: choiceOf(latest), waiting };
      };
    const workers = workersOf(given.workers);
    if (workers !== undefined)
      return serveTogether({ ...choice, workers }, around, rereading(["log", "log-level"]));
    const { serve } = await import("../serving/serve.js");
    await serve(choice, around, rereading(["log", "log-level", "grace"]));
    return undefined;
  },
});

function probeOf(keytab: string | undefined, parts: readonly string[]): string | undefined {
  if (keytab !== undefined && !(parts.includes("as") && parts.includes("tgs")))
    throw new UsageError("--probe goes with the AS and the TGS: it logs in, and asks for a ticket");
  return keytab;
}

/** As the primary of workers, or as one of them. */
async function serveTogether(
  choice: PrimaryChoice,
  around: CommandSurroundings,
  reread: Rereading,
): Promise<number | undefined> {
  const cluster = await around.cluster?.();
  if (cluster === undefined) throw new UsageError("--workers: only in a process of the command's own");
  if (cluster.worker === undefined) {
    const { serveByWorkers } = await import("../serving/workers/primary.js");
    return serveByWorkers(choice, around, cluster, reread);
  }
  const { serveAsWorker } = await import("../serving/workers/worker.js");
  return serveAsWorker(choice, around, cluster.worker);
}

function workersOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,3}$/.test(text)) throw new UsageError("--workers: expected a number, or 0 for one a core");
  return Number(text);
}

/** A value that was given, read. */
function read<T>(
  text: string | undefined,
  option: string,
  reader: (text: string, label: string) => T,
): T | undefined {
  return text === undefined ? undefined : reader(text, option);
}
