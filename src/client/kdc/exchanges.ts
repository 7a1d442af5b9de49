/**
 * A client's exchanges with the KDCs of a realm: each message goes to the first of them that answers
 * (tries.ts), within the time that one call may take.
 */
import * as grpc from "@grpc/grpc-js";
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../../gen/kerberos/v1/authentication_service_pb.js";
import type {
  GrantTicketRequest,
  GrantTicketResponse,
} from "../../gen/kerberos/v1/ticket_granting_service_pb.js";
import type { CallOptions, ServiceClient } from "../../rpc/client-runtime.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { systemTimer, type Timer } from "../../rpc/timer.js";
import type { Connections } from "../connections.js";
import { addressesOf, type KdcAddresses, type KdcHalf } from "./addresses.js";
import { ANSWERED_HERE } from "./answered-kdcs.js";
import type { KdcLookup } from "./dns-lookup.js";
import { firstAnswer } from "./tries.js";

/** Where a client's KDCs are: one, several in the order in which they are asked, or whatever finds them. */
export type KdcSource = KdcAddresses | readonly KdcAddresses[] | KdcLookup;

/**
 * One try at one KDC: makes its request, or sends again what it has made, and is given the answer. It is made
 * again for each KDC that is asked.
 */
export type KdcTry<Request, Response, Result> = (
  send: (request: Request) => Promise<Response>,
) => Promise<Result>;

/** What exchanges with KDCs are made with. */
export interface KdcExchangesParts {
  readonly kdc: KdcSource;
  readonly connections: Connections;
  /** How long an exchange may take, however many KDCs are asked, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: () => number;
  readonly timer?: Timer | undefined;
}

/** One client's exchanges with KDCs. Each throws as `firstAnswer`, and as the KDCs are looked up. */
export class KdcExchanges {
  readonly #parts: KdcExchangesParts;
  readonly #lookup: KdcLookup | undefined;
  readonly #lists: Readonly<Record<KdcHalf, readonly string[]>> | undefined;

  constructor(parts: KdcExchangesParts) {
    const { kdc } = parts;
    this.#parts = parts;
    if (typeof kdc === "function") this.#lookup = kdc;
    else {
      const kdcs: readonly KdcAddresses[] = "as" in kdc ? [kdc] : kdc;
      this.#lists = { as: addressesOf(kdcs, "as"), tgs: addressesOf(kdcs, "tgs") };
    }
  }

  /** Messages (1) and (2), with an AS of the realm. */
  authenticate<Result>(
    realm: string,
    attempt: KdcTry<AuthenticateRequest, AuthenticateResponse, Result>,
  ): Promise<Result> {
    const { connections } = this.#parts;
    return this.#ask(
      realm,
      "as",
      (address) => connections.authentication(address),
      (as, options) => attempt((request) => as.authenticate(request, options)),
    );
  }

  /** Messages (3) and (4), with a TGS of the realm. */
  grantTicket<Result>(
    realm: string,
    attempt: KdcTry<GrantTicketRequest, GrantTicketResponse, Result>,
  ): Promise<Result> {
    const { connections } = this.#parts;
    return this.#ask(
      realm,
      "tgs",
      (address) => connections.ticketGranting(address),
      (tgs, options) => attempt((request) => tgs.grantTicket(request, options)),
    );
  }

  async #ask<Client extends ServiceClient, Result>(
    realm: string,
    half: KdcHalf,
    connect: (address: string) => Client,
    attempt: (client: Client, options: CallOptions) => Promise<Result>,
  ): Promise<Result> {
    const { connections, timeoutMs, clock, timer } = this.#parts;
    const deadline = Date.now() + timeoutMs;
    const addresses = this.#lists?.[half] ?? (await this.#found(realm, half));
    const ask = (address: string, options: CallOptions) => {
      const client = connect(address);
      return attempt(client, options).catch((error: unknown) => {
        // Another connection is made at the next try: grpc-js would refuse that for as long as it pauses.
        if (isUnreached(error)) connections.drop(client);
        throw error;
      });
    };
    return firstAnswer(ANSWERED_HERE.inOrder(addresses, clock()), ask, {
      deadline,
      timeoutMs: deadline - Date.now(),
      timer,
      onAnswer: (address) => ANSWERED_HERE.answered(addresses, address, clock()),
    });
  }

  /** Looks up the addresses, in the time that the exchange has. */
  #found(realm: string, half: KdcHalf): Promise<readonly string[]> {
    const { timeoutMs, timer = systemTimer } = this.#parts;
    return new Promise((resolve, reject) => {
      const late = () => reject(new RpcError(grpc.status.DEADLINE_EXCEEDED, "the KDC was not found in time"));
      const callOff = timer(timeoutMs, late);
      this.#lookup!(realm, half).then(resolve, reject).finally(callOff);
    });
  }
}

function isUnreached(error: unknown): boolean {
  return error instanceof RpcError && error.code === grpc.status.UNAVAILABLE;
}
