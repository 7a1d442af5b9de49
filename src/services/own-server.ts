/**
 * What a server of one's own offers beside its service, to callers without a ticket: health and reflection.
 */
import type * as grpc from "@grpc/grpc-js";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { readProtoFiles } from "../rpc/proto-files.js";
import { HealthService } from "./health.js";
import { addReflection } from "./reflection.js";
import type { ServerHealth } from "./server.js";

/** The health of a server of one's own. */
export interface OwnServerHealth extends ServerHealth {
  /** Says NOT_SERVING from now on, and ends every Watch: before the server shuts down. */
  shutdown(): void;
}

/**
 * Adds health (grpc.health.v1) to a server: SERVING, for the server and for each service named, until it is
 * told otherwise.
 * @param services their full names: `orders.v1.OrderService`.
 */
export function serveHealth(server: grpc.Server, services: readonly string[] = []): OwnServerHealth {
  const health = new HealthService();
  for (const name of services) health.set(name, "SERVING");
  health.addTo(server);
  return health;
}

/**
 * Adds reflection (v1 and v1alpha) to a server: of every service in these `.proto` files, and of health.
 * @param files their paths: within an import path, or as they are.
 * @param importPaths where imports are looked for; by default in the folder of each file.
 * @throws ProtoFileError for a file that can't be read.
 */
export async function serveReflection(
  server: grpc.Server,
  files: readonly string[],
  importPaths: readonly string[] = [],
): Promise<void> {
  const registry = await readProtoFiles(files, importPaths);
  const services = [...registry].filter((type) => type.kind === "service");
  addReflection(server, [...services, Health]);
}
