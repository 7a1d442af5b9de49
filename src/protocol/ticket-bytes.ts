/**
 * What can be told of a ticket without reading it: a file of its own, for readers of caches that need no
 * more.
 */

/** The tag of Ticket's first field, `server`, which is required and comes first in canonical form. */
const SERVER_TAG = 0x0a;

/**
 * Whether bytes begin as a serialized Ticket does. Those of RFC 4120 begin with 0x61, the tag of [APPLICATION
 * 1].
 */
export function beginsAsTicket(bytes: Uint8Array): boolean {
  return bytes[0] === SERVER_TAG;
}
