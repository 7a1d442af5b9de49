/** What comes back for one call of the learner's server: an answer, a refusal, or nothing that is either. */
import {
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { KrbError, type KrbErrorName } from "../../protocol/krb-error.js";
import { identity, methodPath } from "../../rpc/service-definition.js";
import { fromServiceError } from "../../rpc/status.js";

/** What came for a call. */
export type Arrival<Response> =
  | { readonly kind: "answer"; readonly response: Response }
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

/** Calls a method. It never throws: whatever comes is an arrival. */
export function callServer<I extends DescMessage, O extends DescMessage>(
  client: grpc.Client,
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
  timeoutMs: number,
): Promise<Arrival<MessageShape<O>>> {
  const bytes = Buffer.from(toBinary(method.input, request));
  const options = { deadline: Date.now() + timeoutMs };
  return new Promise((resolve) => {
    client.makeUnaryRequest(methodPath(method), identity, identity, bytes, options, (error, reply) => {
      resolve(error === null ? answerIn(method.output, reply!) : refusalIn(error, timeoutMs));
    });
  });
}

function answerIn<O extends DescMessage>(schema: O, bytes: Uint8Array): Arrival<MessageShape<O>> {
  try {
    return { kind: "answer", response: fromBinary(schema, bytes) };
  } catch {
    return { kind: "nothing", text: `${bytes.length} bytes that are no ${schema.name}` };
  }
}

function refusalIn(error: grpc.ServiceError, timeoutMs: number): Arrival<never> {
  const refusal = fromServiceError(error);
  const reason = refusal instanceof KrbError ? refusal.reason : undefined;
  const { code, details } = error;
  if (code === grpc.status.DEADLINE_EXCEEDED)
    return { kind: "nothing", text: `no answer within ${timeoutMs / 1000} s` };
  if (reason === undefined && LOST.includes(code))
    return { kind: "nothing", text: `no answer: ${shortened(causeIn(details))}` };
  return { kind: "refusal", code, reason, text: shortened(details) };
}

/** grpc-js's words for a connection that failed, without the time and the notes around them. */
function causeIn(details: string): string {
  const cause = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-|\. Resolution note|$)/.exec(details)?.[1];
  return cause === undefined ? details : `the connection failed: ${cause}`;
}

function shortened(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}

/** An arrival in one line; `answer` says what an answer is. */
export function arrivalText<Response>(
  arrival: Arrival<Response>,
  answer: (response: Response) => string,
): string {
  if (arrival.kind === "answer") return answer(arrival.response);
  if (arrival.kind === "nothing") return arrival.text;
  const { code, reason, text } = arrival;
  const name = grpc.status[code] ?? `code ${code}`;
  const said = text === "" ? "" : `: ${text}`;
  return reason === undefined ? `${name}, without a Kerberos reason${said}` : `${name}, ${reason}${said}`;
}
