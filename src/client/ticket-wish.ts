/** What a client asks of a ticket, from what its caller asked for. */
import { KdcOption } from "../gen/kerberos/v1/kdc_pb.js";
import type { TicketWish } from "../protocol/kdc-request.js";
import type { ClientEtypes } from "./client-etypes.js";
import type { TicketOptions } from "./kerberos-client-options.js";

/** The wish at a time: `now` in milliseconds since the epoch. */
export function ticketWish(
  { permitted }: ClientEtypes,
  { life, renewableLife }: TicketOptions,
  now: number,
): TicketWish {
  return {
    etypes: permitted,
    till: life === undefined ? undefined : now + life,
    renewTill: renewableLife === undefined ? undefined : now + renewableLife,
    options: renewableLife === undefined ? [] : [KdcOption.RENEWABLE],
  };
}
