/**
 * What a stage has at hand: the realm, a connection to the learner's server, and the book of what was sent,
 * expected and arrived. The first thing that is not as expected ends the stage.
 */
import type { DescMessage, DescMethodUnary, MessageShape } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  type GrantTicketRequest,
  type GrantTicketResponse,
  TicketGrantingService,
} from "../../gen/kerberos/v1/ticket_granting_service_pb.js";
import type { KrbErrorName } from "../../protocol/krb-error.js";
import { CHANNEL_OPTIONS } from "../../rpc/channel-options.js";
import { GRPC_CODE } from "../../rpc/status.js";
import { type Arrival, arrivalText, callServer } from "./arrival.js";
import type { ExerciseRealm } from "./exercise-realm.js";

/** One thing that was tried. */
export interface Probe {
  readonly sent: string;
  readonly expected: string;
  readonly arrived: string;
  readonly isRight: boolean;
}

/** Ends a stage: its last probe tells why. */
export class StageFailed extends Error {
  override readonly name = "StageFailed";
}

/** The largest answer that is taken, in bytes: a ticket and a sealed part need a few hundred. */
const MOST_ANSWERED = 64 * 1024;

/** What an answer to GrantTicket is, in words. */
export const ticketText = (): string => "a ticket";

/** A stage's tools. */
export class Bench {
  readonly realm: ExerciseRealm;
  /** Where the learner's server listens. */
  readonly address: string;
  readonly probes: Probe[] = [];
  readonly #client: grpc.Client;
  readonly #timeoutMs: number;

  /** @param timeoutMs how long an answer may take, in milliseconds. */
  constructor(realm: ExerciseRealm, address: string, timeoutMs: number) {
    this.realm = realm;
    this.address = address;
    this.#timeoutMs = timeoutMs;
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      ...CHANNEL_OPTIONS,
      // A library's retry would be taken for a replay.
      "grpc.enable_retries": 0,
      "grpc.enable_http_proxy": 0,
      "grpc.max_receive_message_length": MOST_ANSWERED,
    });
  }

  /** How long an answer may take, in milliseconds. */
  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Calls a method of the server, and gives what came of it. */
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
  ): Promise<Arrival<MessageShape<O>>> {
    return callServer(this.#client, method, request, this.#timeoutMs);
  }

  /** Asks for a ticket, and gives what came of it. */
  ask(request: GrantTicketRequest): Promise<Arrival<GrantTicketResponse>> {
    return this.call(TicketGrantingService.method.grantTicket, request);
  }

  /** Sends a request that must be refused for this reason, with the gRPC code that belongs to it. */
  async refused(sent: string, request: GrantTicketRequest, reason: KrbErrorName): Promise<void> {
    const arrival = await this.ask(request);
    const code = GRPC_CODE[reason];
    const isRight = arrival.kind === "refusal" && arrival.reason === reason && arrival.code === code;
    this.found(sent, `${grpc.status[code]}, ${reason}`, arrivalText(arrival, ticketText), isRight);
  }

  /** Sends a request that must be answered, and gives the answer. */
  async answered(sent: string, request: GrantTicketRequest): Promise<GrantTicketResponse> {
    const arrival = await this.ask(request);
    this.found(sent, "a ticket", arrivalText(arrival, ticketText), arrival.kind === "answer");
    return (arrival as { response: GrantTicketResponse }).response;
  }

  /**
   * Writes down what was found.
   * @throws StageFailed if it is not right.
   */
  found(sent: string, expected: string, arrived: string, isRight: boolean): void {
    this.probes.push({ sent, expected, arrived, isRight });
    if (!isRight) throw new StageFailed(sent);
  }

  close(): void {
    this.#client.close();
  }
}
