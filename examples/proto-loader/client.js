/** The client: its calls prove who is logged in, and check that the service is the right one. */
import * as grpc from "@grpc/grpc-js";
import { ticketInterceptor } from "tessera-sso/client";
import { NoteService } from "./notes.js";

/** A client with the tickets of `kerberos`, a KerberosClient that is logged in. */
export function makeClient(address, kerberos) {
  const interceptors = [ticketInterceptor(kerberos, "notes/localhost")];
  return new NoteService(address, grpc.credentials.createInsecure(), { interceptors });
}
