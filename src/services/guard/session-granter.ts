/** Which AP exchange makes a session, and how the session is kept. */
import type { VerifiedApReq } from "../../protocol/ap-exchange.js";
import type { ReceivedApReq } from "../../protocol/call-binding.js";
import type { SessionKeys } from "../../protocol/session-keys.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import type { AdmissionPolicy } from "./admission-policy.js";
import { factsOf } from "./held-ticket.js";

/** Grants a session to an AP exchange. */
export interface SessionGranter {
  /** The AP-REQ as it travelled. */
  readonly apReq: Uint8Array;
  /** How long the session lasts, in whole seconds. */
  readonly life: number;
  /** Keeps the session, from now on. */
  keep(id: Uint8Array, keys: SessionKeys): void;
}

/**
 * What grants a session to an AP-REQ that was verified; undefined: the client asks for none, or can't have
 * one.
 * @param now milliseconds since the epoch.
 */
export function granterOf(
  policy: AdmissionPolicy,
  { blobs, bytes }: ReceivedApReq,
  service: ServiceKeys,
  { ticket, authorizationData, extensions }: VerifiedApReq,
  now: number,
): SessionGranter | undefined {
  const { sessions, uptime } = policy;
  if (sessions === undefined || extensions.asksForSession !== true) return undefined;
  if (!isStrong(policy, blobs.ticket, service, now)) return undefined;
  const { keys: serviceKeys } = service;
  const ticketBytes = Uint8Array.from(blobs.ticket);
  return {
    apReq: bytes,
    life: Math.floor(sessions.life / 1000),
    keep: (id, keys) =>
      sessions.add(
        { id, keys, ticket: factsOf(ticket), ticketBytes, authorizationData, serviceKeys },
        uptime(),
      ),
  };
}

/** Whether neither ticket nor session key is of a weak type (`hasSessions`): a session serves all peers. */
function isStrong(
  { permittedEtypes, strongEtypes, openTicket }: AdmissionPolicy,
  ticket: Uint8Array,
  service: ServiceKeys,
  now: number,
): boolean {
  if (permittedEtypes === strongEtypes) return true;
  try {
    openTicket(ticket, service, strongEtypes, now);
    return true;
  } catch {
    return false;
  }
}
