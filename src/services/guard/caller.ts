/**
 * Who is calling: known to the guard from the ticket's sealed part, and from there alone.
 *
 * Invariant: a caller is found by the metadata object that the guard handed on, never by anything in it, so
 * that no header a client can send makes a caller.
 */
import type * as grpc from "@grpc/grpc-js";
import type { TicketFlag } from "../../gen/kerberos/v1/sealed_pb.js";
import type { AuthorizationElement } from "../../protocol/authorization-data.js";
import type { Protection } from "../../protocol/call-binding.js";
import type { Principal } from "../../protocol/principal.js";
import type { TicketFacts } from "./held-ticket.js";

/**
 * The client of a guarded call, and what its ticket says. Times are milliseconds since the epoch, by the
 * KDC's clock.
 */
export interface Caller {
  /** The client's principal, `primary/instance@REALM`. */
  readonly principal: Principal;
  /** The service's own principal, which the ticket is for. */
  readonly service: Principal;
  /** How much of this call is protected. */
  readonly protection: Protection;
  /** When the client proved its long-term key to the AS. */
  readonly authtime: number;
  /** From when on the ticket is valid. */
  readonly starttime: number;
  /** Until when the ticket is valid. */
  readonly endtime: number;
  /** Until when the ticket may be renewed; undefined: not at all. */
  readonly renewTill: number | undefined;
  /** The ticket's flags. */
  readonly flags: readonly TicketFlag[];
  /** The ticket's authorization data, of the types the guard was told that the service understands. */
  readonly authorizationData: readonly AuthorizationElement[];
}

const CALLER = Symbol("caller");
/** Metadata with its caller: a field of the object itself, which is no header and never travels. */
type WithCaller = grpc.Metadata & { [CALLER]?: Caller };

/** Of a caller's ticket, its name in the log: no part of what handlers are told. */
const ticketIds = new WeakMap<Caller, string>();

/** The name in the log of the ticket behind a caller, where the ticket was opened here. */
export function ticketIdOf(caller: Caller): string | undefined {
  return ticketIds.get(caller);
}

const callers = new WeakMap<TicketFacts, Partial<Record<Protection, Caller>>>();

/**
 * Who is calling, for the handler of a guarded method and the interceptors behind the guard.
 * @param call what the handler got: grpc-js's call, or the context of a generated service.
 * @throws TypeError when no guard let the call through: the method is public, the server has no guard, or an
 *   interceptor behind the guard put other metadata in place of the call's own.
 */
export function callerOf(call: { readonly metadata: grpc.Metadata }): Caller {
  const caller = (call.metadata as WithCaller)[CALLER];
  if (caller !== undefined) return caller;
  throw new TypeError(
    "callerOf: the call has no caller: its method is public, the server's interceptors lack guard(), " +
      "or one behind the guard replaced the metadata",
  );
}

/**
 * The caller behind a ticket: the same object for all calls with it at one protection.
 * @param authorizationData the ticket's, as far as the service understands it.
 */
export function callerWith(
  ticket: TicketFacts,
  authorizationData: readonly AuthorizationElement[],
  protection: Protection,
): Caller {
  // Bytes can't be frozen: each call gets its own.
  if (authorizationData.length > 0) return makeCaller(ticket, authorizationData, protection);
  let made = callers.get(ticket);
  if (made === undefined) {
    made = {};
    callers.set(ticket, made);
  }
  made[protection] ??= makeCaller(ticket, authorizationData, protection);
  return made[protection];
}

/** Makes `callerOf` find the caller. For the guard alone. */
export function setCaller(metadata: grpc.Metadata, caller: Caller): void {
  (metadata as WithCaller)[CALLER] = caller;
}

function makeCaller(
  ticket: TicketFacts,
  authorizationData: readonly AuthorizationElement[],
  protection: Protection,
): Caller {
  const { client, server, authtime, starttime, endtime, renewTill, flags, id } = ticket;
  const caller: Caller = Object.freeze({
    principal: client,
    service: server,
    protection,
    authtime,
    starttime,
    endtime,
    renewTill,
    // Copies: the ticket is kept for the next call.
    flags: Object.freeze([...flags]),
    authorizationData: Object.freeze(
      authorizationData.map(({ type, data }) => Object.freeze({ type, data: data.slice() })),
    ),
  });
  if (id !== undefined) ticketIds.set(caller, id);
  return caller;
}
