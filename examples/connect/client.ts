/** The client: its calls prove who is logged in, and check that the service is the right one. */
import { type Client, createClient } from "@connectrpc/connect";
import type { KerberosClient } from "tessera-sso/client";
import { type TicketTransport, ticketTransport } from "tessera-sso/connect";
import { NoteService } from "./gen/notes_pb.js";

/** A transport with the tickets of whoever is logged in. */
export function openTransport(baseUrl: string, kerberos: KerberosClient): TicketTransport {
  return ticketTransport(kerberos, "notes/localhost", { baseUrl });
}

/** A client on a transport. */
export function makeClient(transport: TicketTransport): Client<typeof NoteService> {
  return createClient(NoteService, transport);
}
