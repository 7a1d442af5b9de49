/**
 * grpc.health.v1: whether the server and each of its services take calls (List: gRFC A90).
 *
 * Invariant: after `shutdown` every status stays NOT_SERVING, and no Watch stays open.
 */
import { EventEmitter, on } from "node:events";
import * as grpc from "@grpc/grpc-js";
import { addHealth, type HealthServer } from "../gen/grpc/health/v1/health_grpc.js";
import {
  type HealthCheckRequest,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../gen/grpc/health/v1/health_pb.js";
import { RpcError } from "../rpc/rpc-error.js";
import type { HandlerContext, ServiceOptions } from "../rpc/server-runtime.js";

/** A server's health: set by the server, reported to whoever asks. */
export class HealthService implements HealthServer {
  readonly #statuses = new Map<string, ServingStatus>([["", ServingStatus.SERVING]]);
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #down = false;

  /**
   * Sets the status of a service by its full name; the empty name stands for the server. No effect after
   * `shutdown`.
   */
  set(service: string, status: "SERVING" | "NOT_SERVING"): void {
    if (this.#down) return;
    this.#statuses.set(service, ServingStatus[status]);
    this.#changes.emit("change");
  }

  /**
   * Adds the service to a server. Its streams end by `shutdown`, after a last message, and not by the
   * option's signal.
   */
  addTo(server: grpc.Server, options?: ServiceOptions): void {
    addHealth(server, this, { ...options, shutdown: undefined });
  }

  /** Says NOT_SERVING for everything, then ends every Watch with UNAVAILABLE. */
  shutdown(): void {
    if (this.#down) return;
    for (const service of this.#statuses.keys()) this.set(service, "NOT_SERVING");
    this.#down = true;
    this.#changes.emit("change");
  }

  /** One status. Throws RpcError NOT_FOUND for a service that the server does not know. */
  async check(request: HealthCheckRequest): Promise<{ status: ServingStatus }> {
    const status = this.#statuses.get(request.service);
    if (status === undefined) throw new RpcError(grpc.status.NOT_FOUND, "unknown service");
    return { status };
  }

  /** All statuses by name. */
  async list(): Promise<{ statuses: Record<string, { status: ServingStatus }> }> {
    const statuses = [...this.#statuses].map(([service, status]) => [service, { status }]);
    return { statuses: Object.fromEntries(statuses) };
  }

  /** A status now and at each change; SERVICE_UNKNOWN while the server does not know the service. */
  async *watch(
    request: HealthCheckRequest,
    context: HandlerContext,
  ): AsyncGenerator<{ status: ServingStatus }> {
    // Listens first, so that no change is missed between the first status and the wait for the next.
    const changes = on(this.#changes, "change", { signal: context.signal });
    let told: ServingStatus | undefined;
    do {
      const status = this.#statuses.get(request.service) ?? ServingStatus.SERVICE_UNKNOWN;
      if (status !== told) yield { status };
      told = status;
      if (this.#down) throw new RpcError(grpc.status.UNAVAILABLE, "the server is shutting down");
    } while (!(await changes.next()).done);
  }
}
