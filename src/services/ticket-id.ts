/**
 * Short names of tickets for the log: a line of a guarded call, of V or of the TGS leads by them to the login
 * that it came from. A name is a hash of the ticket's bytes as they travelled, and tells nothing of what is
 * in it.
 */
import { hash } from "node:crypto";

/** As many characters of the hash as tell tickets apart: 72 bits. */
const LENGTH = 12;

/** The name of a ticket, by its bytes. */
export function ticketId(ticket: Uint8Array): string {
  return hash("sha256", ticket, "base64url").slice(0, LENGTH);
}
