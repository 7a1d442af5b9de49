/** The client: Nest hands `channelOptions` to grpc-js's client, interceptors and all. */
import { type ClientGrpcProxy, ClientProxyFactory, Transport } from "@nestjs/microservices";
import { type KerberosClient, ticketInterceptor } from "tessera-sso/client";
import { PROTO } from "./notes.js";

/** A client with the tickets of whoever is logged in; without `kerberos`, of nobody. */
export function makeClient(url: string, kerberos: KerberosClient | undefined): ClientGrpcProxy {
  const interceptors = kerberos === undefined ? [] : [ticketInterceptor(kerberos, "notes/localhost")];
  return ClientProxyFactory.create({
    transport: Transport.GRPC,
    options: { package: "notes.v1", protoPath: PROTO, url, channelOptions: { interceptors } as object },
  }) as ClientGrpcProxy;
}
