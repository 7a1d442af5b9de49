/** What the holder of a ticket knows about it: from the KDC's reply, and from the ticket's part in clear. */
import { TicketSchema } from "../../gen/kerberos/v1/sealed_pb.js";
import type { Credentials } from "../../protocol/credentials.js";
import { etypeName } from "../../protocol/etypes.js";
import { isoTime } from "../../protocol/kerberos-time.js";
import { decodeBlob } from "../../protocol/strict-decode.js";
import { flagNames } from "../../protocol/ticket-flags.js";

/** The facts, for JSON. */
export interface TicketFacts {
  readonly client: string;
  readonly server: string;
  readonly starttime: string;
  readonly endtime: string;
  readonly renewTill: string | undefined;
  readonly flags: readonly string[];
  readonly etypes: { readonly session: string; readonly ticket: string };
  /** Version of the service's key under which the ticket is sealed. */
  readonly kvno: number;
  /** Length of the ticket in bytes. */
  readonly bytes: number;
}

/** The facts of a ticket in the cache. */
export function ticketFacts(credentials: Credentials): TicketFacts {
  const { client, server, starttime, endtime, renewTill, flags, key, ticket } = credentials;
  const { etype, kvno } = decodeBlob(TicketSchema, ticket, "ticket").encPart ?? { etype: 0, kvno: 0 };
  return {
    client,
    server,
    starttime: isoTime(starttime),
    endtime: isoTime(endtime),
    renewTill: renewTill === undefined ? undefined : isoTime(renewTill),
    flags: flagNames(flags),
    etypes: { session: key.etype.name, ticket: etypeName(etype) },
    kvno,
    bytes: ticket.length,
  };
}
