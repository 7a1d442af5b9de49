/** The client: its calls prove who is logged in, and check that the service is the right one. */
import * as grpc from "@grpc/grpc-js";
import { type KerberosClient, ticketInterceptor } from "tessera-sso/client";
import { NoteServiceClient } from "./gen/notes.js";

/** A client with the tickets of whoever is logged in. */
export function makeClient(address: string, kerberos: KerberosClient): NoteServiceClient {
  const interceptors = [ticketInterceptor(kerberos, "notes/localhost")];
  return new NoteServiceClient(address, grpc.credentials.createInsecure(), { interceptors });
}
