/** The client: its calls prove who is logged in, and check that the service is the right one. */
import { type Channel, createChannel, createClient } from "nice-grpc";
import { interceptedChannel, type KerberosClient, ticketInterceptor } from "tessera-sso/client";
import { type NoteServiceClient, NoteServiceDefinition } from "./gen/notes.js";

/** A channel whose calls carry the tickets of whoever is logged in. */
export function openChannel(address: string, kerberos: KerberosClient): Channel {
  const interceptors = [ticketInterceptor(kerberos, "notes/localhost")];
  return interceptedChannel(createChannel(address), [NoteServiceDefinition], interceptors);
}

/** A client on a channel. */
export function makeClient(channel: Channel): NoteServiceClient {
  return createClient(NoteServiceDefinition, channel);
}
