/** `tessera serve`: runs the servers of a realm until it is told to end. */
import { DEFAULT_HOST, DEFAULT_PORTS } from "../../rpc/default-addresses.js";
import { type CommandSurroundings, defineCommand, UsageError } from "../frame/command.js";
import { keytabPath } from "../frame/environment.js";
import { REALM_OPTIONS } from "../options/realm-options.js";
import { limitsOf } from "../options/server-limits.js";
import { replayCacheSize } from "../options/sizes.js";
import { parseLifetime } from "../screen/times.js";
import type { PageAddress } from "../serving/metrics-page.js";
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
    "--workers, one that dies is followed by another, and SIGUSR2 replaces all of them, one by one.",
  examples: [
    "tessera serve",
    "tessera serve as tgs --host 0.0.0.0 --tls-cert kdc.pem --tls-key kdc.key",
    "tessera serve v --keytab v.keytab --profile standard --notes lmdb:./notes --replay-cache lmdb:./replay",
  ],
  options: {
    ...REALM_OPTIONS,
    host: { value: "HOST", help: `the address to listen on; ${DEFAULT_HOST}` },
    "as-port": { value: "PORT", help: `${DEFAULT_PORTS.as}; 0 for any free port` },
    "tgs-port": { value: "PORT", help: String(DEFAULT_PORTS.tgs) },
    "v-port": { value: "PORT", help: String(DEFAULT_PORTS.v) },
    "allow-weak-crypto": { help: "listen beyond loopback even though the profile permits weak encryption" },
    "tls-cert": { value: "FILE", help: "use TLS; the server's certificate chain (PEM)" },
    "tls-key": { value: "FILE", help: "the certificate's key (PEM), a file that only you can read" },
    "tls-client-ca": {
      value: "FILE",
      help: "accept only clients with certificates of these authorities (PEM)",
    },
    keytab: { value: "FILE", help: "V's keytab; TESSERA_KEYTAB, or v.keytab in the realm's folder" },
    service: { value: "PRINCIPAL", help: "V's principal, if its keytab holds several" },
    profile: { value: "PROFILE", help: "for V without the realm's folder: textbook or standard; standard" },
    "clock-skew": {
      value: "TIME",
      help: "for V without the realm's folder: permitted difference between clocks; 5m",
    },
    notes: {
      value: "STORE",
      help: "where V keeps notes, lmdb:DIR or memory:; the realm's folder, or KEYTAB.data for V alone",
    },
    "replay-cache": {
      value: "STORE",
      help: "where V remembers authenticators; as for --notes, or redis://HOST",
    },
    "replay-cache-size": {
      value: "SIZE",
      help: "the memory that they may take, 64 bytes for each: bytes, or 64K, 256M, 1G; 256M",
    },
    workers: {
      value: "COUNT",
      help: "serve by so many processes that share the ports; 0: one a core. Without it: by this one",
    },
    log: {
      value: "FILE",
      help: "append the log to this file, made with mode 0600, instead of stdout; opened again at SIGHUP",
    },
    "max-connections": {
      value: "COUNT[/COUNT]",
      help: "connections at a time, of all servers together, and of one peer; 4096, half of it for one peer",
    },
    "max-calls": { value: "COUNT[/COUNT]", help: "calls at a time, likewise; 4096, half of it for one peer" },
    "max-bytes": {
      value: "SIZE[/SIZE]",
      help: "bytes of requests and of unread replies that calls hold, likewise; 64M, half of it for one peer",
    },
    "trusted-proxy": {
      value: "ADDRESS",
      help: "an address that speaks for many peers, and has no share of its own; several: give it again",
      multiple: true,
    },
    metrics: {
      value: "[HOST:]PORT",
      help: `show figures for Prometheus at /metrics, and /livez and /readyz, by HTTP; on ${DEFAULT_HOST}`,
    },
    probe: {
      value: "KEYTAB",
      help: "log in every 5 s with this keytab, and say NOT_SERVING while that fails; for AS and TGS",
    },
    grace: { value: "TIME", help: "how long running calls may take to finish; 5s" },
  },
  arguments: [0, 3],
  words: ["as", "tgs", "v"],
  run: async ({ options, positionals, json, ...around }) => {
    for (const part of positionals)
      if (!(PARTS as readonly string[]).includes(part))
        throw new UsageError(`no server ${part}; there are as, tgs and v`);
    const parts = positionals.length === 0 ? PARTS : PARTS.filter((part) => positionals.includes(part));
    const ports = {
      as: portOf(options["as-port"], "--as-port", DEFAULT_PORTS.as),
      tgs: portOf(options["tgs-port"], "--tgs-port", DEFAULT_PORTS.tgs),
      v: portOf(options["v-port"], "--v-port", DEFAULT_PORTS.v),
    };
    const choice: ServeChoice = {
      parts,
      ports,
      json,
      logFile: options.log,
      dir: options.dir,
      host: options.host ?? DEFAULT_HOST,
      allowWeakCrypto: options["allow-weak-crypto"],
      tls: { cert: options["tls-cert"], key: options["tls-key"], clientCa: options["tls-client-ca"] },
      keytab: keytabPath(around.env, options.keytab),
      service: options.service,
      profile: options.profile,
      clockSkew:
        options["clock-skew"] === undefined
          ? undefined
          : parseLifetime(options["clock-skew"], "--clock-skew"),
      notes: options.notes,
      replayCache: options["replay-cache"],
      replayCacheBytes: replayCacheSize(options["replay-cache-size"], "--replay-cache-size"),
      limits: limitsOf(options),
      probe: probeOf(options.probe, parts),
      metrics: pageOf(options.metrics),
      graceMs: options.grace === undefined ? undefined : parseLifetime(options.grace, "--grace"),
    };
    const workers = workersOf(options.workers);
    if (workers !== undefined) return serveTogether({ ...choice, workers }, around);
    const { serve } = await import("../serving/serve.js");
    await serve(choice, around);
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
): Promise<number | undefined> {
  const cluster = await around.cluster?.();
  if (cluster === undefined) throw new UsageError("--workers: only in a process of the command's own");
  if (cluster.worker === undefined) {
    const { serveByWorkers } = await import("../serving/workers/primary.js");
    return serveByWorkers(choice, around, cluster);
  }
  const { serveAsWorker } = await import("../serving/workers/worker.js");
  return serveAsWorker(choice, around, cluster.worker);
}

function workersOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,3}$/.test(text)) throw new UsageError("--workers: expected a number, or 0 for one a core");
  return Number(text);
}

function pageOf(text: string | undefined): PageAddress | undefined {
  if (text === undefined) return undefined;
  const [, bracketed, plain, port] = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new UsageError("--metrics: expected a port, or HOST:PORT");
  return { host: bracketed ?? plain ?? DEFAULT_HOST, port: Number(port) };
}

function portOf(text: string | undefined, option: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new UsageError(`${option}: expected a port from 0 to 65535`);
  return port;
}
