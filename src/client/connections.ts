/** A client's connections: to AS, TGS and services, each opened when it is first needed. */
import * as grpc from "@grpc/grpc-js";
import { ApplicationServiceClient } from "../gen/kerberos/v1/application_service_grpc.js";
import { AuthenticationServiceClient } from "../gen/kerberos/v1/authentication_service_grpc.js";
import { TicketGrantingServiceClient } from "../gen/kerberos/v1/ticket_granting_service_grpc.js";
import type { ClientOptions, ServiceClient } from "../rpc/client-runtime.js";
import { GrpcTransport } from "../rpc/grpc-transport.js";
import { RpcError } from "../rpc/rpc-error.js";
import type { Transport } from "../rpc/transport.js";
import type { KdcAddresses } from "./addresses.js";

/**
 * The connections of one client; `close` ends them. Each throws RpcError CANCELLED once they are closed: a
 * login or a ticket that was under way opens no new one.
 */
export class Connections {
  readonly #kdc: KdcAddresses;
  readonly #transportTo: (address: string) => Transport;
  readonly #options: ClientOptions;
  readonly #open = new Map<string, ServiceClient>();
  #closed = false;

  /** @param transportTo makes what carries the calls to an address. */
  constructor(kdc: KdcAddresses, transportTo: (address: string) => Transport, options: ClientOptions) {
    this.#kdc = kdc;
    this.#transportTo = transportTo;
    this.#options = options;
  }

  /** The AS. */
  authentication(): AuthenticationServiceClient {
    return this.#client(AuthenticationServiceClient, this.#kdc.as);
  }

  /** The TGS. */
  ticketGranting(): TicketGrantingServiceClient {
    return this.#client(TicketGrantingServiceClient, this.#kdc.tgs);
  }

  /** A service at `host:port`. */
  application(address: string): ApplicationServiceClient {
    return this.#client(ApplicationServiceClient, address);
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
