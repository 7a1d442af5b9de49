/**
 * One gRPC server of the realm: its service, health, reflection, limits, and a clean stop.
 *
 * Stopping: health says NOT_SERVING, streams end with UNAVAILABLE, running calls finish, and calls that have
 * not finished within the grace period are cut off.
 */
import type { DescService } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.js";
import { file_google_rpc_status } from "../gen/google/rpc/status_pb.js";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { file_kerberos_v1_kdc } from "../gen/kerberos/v1/kdc_pb.js";
import { file_kerberos_v1_operations } from "../gen/kerberos/v1/operations_pb.js";
import { file_kerberos_v1_sealed } from "../gen/kerberos/v1/sealed_pb.js";
import { makeServer, type ServerParts } from "../rpc/server-options.js";
import type { ServiceOptions } from "../rpc/server-runtime.js";
import type { Log } from "./exchange-log.js";
import { HealthService } from "./health.js";
import { hostPort, listenError } from "./listen.js";
import { addReflection } from "./reflection.js";

/**
 * Files that no RPC names, whose messages travel in `bytes` and in status details: reflection describes them
 * too.
 */
const DESCRIBED = [
  file_kerberos_v1_sealed,
  file_kerberos_v1_kdc,
  file_kerberos_v1_operations,
  file_google_rpc_error_details,
  file_google_rpc_status,
];

/** What a server is made of. */
export interface ServerConfig extends ServerParts {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** For TLS; plaintext if absent. */
  readonly credentials?: grpc.ServerCredentials | undefined;
  /** The service's descriptor, for health and reflection. */
  readonly service: DescService;
  /** Adds the service's implementation to the server. */
  readonly add: (server: grpc.Server, options: ServiceOptions) => void;
  readonly log: Log;
}

/** What a server reports of its health (grpc.health.v1). */
export interface ServerHealth {
  /**
   * Sets the status of a service by its full name; the empty name stands for the server. No effect once it
   * stops.
   */
  set(service: string, status: "SERVING" | "NOT_SERVING"): void;
}

/** A server that listens. */
export interface RunningServer {
  /** `host:port`, with the actual port. */
  readonly address: string;
  readonly port: number;
  readonly health: ServerHealth;
  /**
   * Stops it; resolves once nothing runs any more, after `graceMs` milliseconds (5,000 by default) at the
   * latest.
   */
  stop(graceMs?: number): Promise<void>;
}

/** How long running calls may take to finish when a server stops, in milliseconds. */
export const GRACE_MS = 5_000;

/**
 * Starts a server.
 * @throws ListenError if it can't listen there.
 */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  const server = makeServer(config);
  const shutdown = new AbortController();
  const options: ServiceOptions = {
    shutdown: shutdown.signal,
    onInternalError: (error, context) =>
      config.log({ level: "error", method: context.method, result: "INTERNAL", text: String(error) }),
  };
  config.add(server, options);
  const health = new HealthService();
  health.addTo(server, options);
  addReflection(server, [config.service, Health], { ...options, files: DESCRIBED });
  const port = await bind(server, config);
  health.set("", "SERVING");
  health.set(config.service.typeName, "SERVING");
  let stopped: Promise<void> | undefined;
  return {
    address: hostPort(config.host, port),
    port,
    health,
    stop: (graceMs = GRACE_MS) => {
      stopped ??= stop(server, health, shutdown, graceMs);
      return stopped;
    },
  };
}

function bind(server: grpc.Server, { host, port, credentials }: ServerConfig): Promise<number> {
  const at = hostPort(host, port);
  return new Promise((resolve, reject) => {
    server.bindAsync(at, credentials ?? grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) return resolve(bound);
      server.forceShutdown();
      reject(listenError(host, port, error));
    });
  });
}

async function stop(
  server: grpc.Server,
  health: HealthService,
  shutdown: AbortController,
  graceMs: number,
): Promise<void> {
  health.shutdown();
  shutdown.abort();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
