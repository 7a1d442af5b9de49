/** A client's connections: to AS, TGS and services, each opened when it is first needed. */
import * as grpc from "@grpc/grpc-js";
import { ApplicationServiceClient } from "../gen/kerberos/v1/application_service_grpc.js";
import { AuthenticationServiceClient } from "../gen/kerberos/v1/authentication_service_grpc.js";
import { TicketGrantingServiceClient } from "../gen/kerberos/v1/ticket_granting_service_grpc.js";
import type { ClientOptions, ServiceClient } from "../rpc/client-runtime.js";
import { GrpcTransport } from "../rpc/grpc-transport.js";
import { RpcError } from "../rpc/rpc-error.js";
import type { Transport } from "../rpc/transport.js";

/**
 * The connections of one client; `close` ends them. Each throws RpcError CANCELLED once they are closed: a
 * login or a ticket that was under way opens no new one.
 */
export class Connections {
  readonly #transportTo: (address: string) => Transport;
  readonly #options: ClientOptions;
  readonly #open = new Map<string, ServiceClient>();
  #closed = false;

  /** @param transportTo makes what carries the calls to an address. */
  constructor(transportTo: (address: string) => Transport, options: ClientOptions) {
    this.#transportTo = transportTo;
    this.#options = options;
  }

  /** An AS at `host:port`. */
  authentication(address: string): AuthenticationServiceClient {
    return this.#client(AuthenticationServiceClient, address);
  }

  /** A TGS at `host:port`. */
  ticketGranting(address: string): TicketGrantingServiceClient {
    return this.#client(TicketGrantingServiceClient, address);
  }

  /** A service at `host:port`. */
  application(address: string): ApplicationServiceClient {
    return this.#client(ApplicationServiceClient, address);
  }

  /** Closes one, so that another is opened when it is next needed; its running calls go on. */
  drop(client: ServiceClient): void {
    for (const [name, open] of this.#open) if (open === client) this.#open.delete(name);
    client.close();
  }

  /** Closes all of them, for good. */
  close(): void {
    this.#closed = true;
    for (const client of this.#open.values()) client.close();
    this.#open.clear();
  }

  #client<Client extends ServiceClient>(
    type: new (transport: Transport, options: ClientOptions) => Client,
    address: string,
  ): Client {
    if (this.#closed) throw new RpcError(grpc.status.CANCELLED, "the client is closed");
    const name = `${type.name} ${address}`;
    const existing = this.#open.get(name);
    if (existing !== undefined) return existing as Client;
    const made = new type(this.#transportTo(address), this.#options);
    this.#open.set(name, made);
    return made;
  }
}

/** Channels of grpc-js. */
export function channelsWith(credentials: grpc.ChannelCredentials): (address: string) => Transport {
  // No retries below: a retry would carry the same authenticator, and be refused as a replay.
  return (address) => new GrpcTransport(address, credentials, { "grpc.enable_retries": 0 });
}
