/** What comes back for one request to the learner's server: an answer, a refusal, or nothing that is either. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  type GrantTicketRequest,
  GrantTicketRequestSchema,
  type GrantTicketResponse,
  GrantTicketResponseSchema,
  TicketGrantingService,
} from "../../gen/kerberos/v1/ticket_granting_service_pb.js";
import { KrbError, type KrbErrorName } from "../../protocol/krb-error.js";
import { identity, methodPath } from "../../rpc/service-definition.js";
import { fromServiceError } from "../../rpc/status.js";

/** What came for a request. */
export type Arrival =
  | { readonly kind: "answer"; readonly response: GrantTicketResponse }
  | {
      readonly kind: "refusal";
      /** The gRPC code. */
      readonly code: grpc.status;
      /** RFC 4120's name, from the ErrorInfo; undefined without one. */
      readonly reason: KrbErrorName | undefined;
      readonly text: string;
    }
  | { readonly kind: "nothing"; readonly text: string };

/** The end of a call that no server's answer led to. */
const LOST: readonly grpc.status[] = [grpc.status.UNAVAILABLE, grpc.status.CANCELLED];

/** The longest text of a refusal that is shown, in characters. */
const MOST_TEXT = 200;

/** Asks for a ticket. It never throws: whatever comes is an arrival. */
export function askForTicket(
  client: grpc.Client,
  request: GrantTicketRequest,
  timeoutMs: number,
): Promise<Arrival> {
  const path = methodPath(TicketGrantingService.method.grantTicket);
  const bytes = Buffer.from(toBinary(GrantTicketRequestSchema, request));
  const deadline = Date.now() + timeoutMs;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, identity, identity, bytes, { deadline }, (error, reply) => {
      resolve(error === null ? answerIn(reply!) : refusalIn(error, timeoutMs));
    });
  });
}

function answerIn(bytes: Uint8Array): Arrival {
  try {
    return { kind: "answer", response: fromBinary(GrantTicketResponseSchema, bytes) };
  } catch {
    return { kind: "nothing", text: `${bytes.length} bytes that are no GrantTicketResponse` };
  }
}

function refusalIn(error: grpc.ServiceError, timeoutMs: number): Arrival {
  const refusal = fromServiceError(error);
  const reason = refusal instanceof KrbError ? refusal.reason : undefined;
  const { code, details } = error;
  if (code === grpc.status.DEADLINE_EXCEEDED)
    return { kind: "nothing", text: `no answer within ${timeoutMs / 1000} s` };
  if (reason === undefined && LOST.includes(code))
    return { kind: "nothing", text: `no answer: ${shortened(details)}` };
  return { kind: "refusal", code, reason, text: shortened(details) };
}

function shortened(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

/** An arrival in one line. */
export function arrivalText(arrival: Arrival): string {
  if (arrival.kind === "answer") return "a ticket";
  if (arrival.kind === "nothing") return arrival.text;
  const { code, reason, text } = arrival;
  const name = grpc.status[code] ?? `code ${code}`;
  const said = text === "" ? "" : `: ${text}`;
  return reason === undefined ? `${name}, without a Kerberos reason${said}` : `${name}, ${reason}${said}`;
}
