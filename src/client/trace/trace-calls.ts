/** An interceptor that tells of calls. It stands last in the list: what it sees is what travels. */
import * as grpc from "@grpc/grpc-js";
import { visible } from "../../errors/visible-text.js";
import {
  AP_REP_METADATA,
  AP_REQ_METADATA,
  CALL_METADATA,
  REPLY_METADATA,
  STATUS_DETAILS_METADATA,
} from "../../rpc/metadata-names.js";
import { fromServiceError } from "../../rpc/status.js";
import type { MessageEvent, TraceEvent, TraceSink } from "./trace-event.js";

/** The services whose messages are told, and not their size alone. */
const OWN_SERVICES = [
  "kerberos.v1.AuthenticationService",
  "kerberos.v1.TicketGrantingService",
  "kerberos.v1.ApplicationService",
];
const CLIENT_PROOFS = [AP_REQ_METADATA, CALL_METADATA];
const SERVICE_PROOFS = [AP_REP_METADATA, REPLY_METADATA, STATUS_DETAILS_METADATA];

let calls = 0;

/** Tells of every call that it stands on. */
export function traceCalls(sink: TraceSink): grpc.Interceptor {
  return (options, nextCall) => {
    const traced = new TracedCall(options.method_definition.path, sink);
    const credentials =
      options.credentials && told(options.credentials, (metadata) => traced.proofs("client", metadata));
    return new grpc.InterceptingCall(nextCall({ ...options, ...(credentials && { credentials }) }), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          onReceiveMetadata: (headers, nextMetadata) => {
            traced.proofs("service", headers);
            nextMetadata(headers);
          },
          onReceiveMessage: (message: Buffer | null, nextMessage) => {
            // A refused call has no message: grpc-js then passes null.
            if (message !== null) traced.message("received", message);
            nextMessage(message);
          },
          onReceiveStatus: (status, nextStatus) => {
            traced.proofs("service", status.metadata);
            traced.ended(status);
            nextStatus(status);
          },
        }),
      sendMessage: (message: Buffer, next) => {
        traced.message("sent", message);
        next(message);
      },
    });
  };
}

/** One call, told as it goes on. */
class TracedCall {
  readonly #path: string;
  readonly #sink: TraceSink;
  readonly #call = ++calls;
  readonly #began = performance.now();
  readonly #isOwn: boolean;
  #received = 0;

  constructor(path: string, sink: TraceSink) {
    this.#path = path;
    this.#sink = sink;
    this.#isOwn = OWN_SERVICES.some((service) => path.startsWith(`/${service}/`));
  }

  message(event: MessageEvent["event"], message: Buffer): void {
    if (event === "received") this.#received += message.length;
    const hex = this.#isOwn ? { hex: message.toString("hex") } : {};
    this.#tell({ event, bytes: message.length, ...hex });
  }

  /** Tells of the proofs among metadata; the rest of it is the application's own. */
  proofs(from: "client" | "service", metadata: grpc.Metadata): void {
    for (const header of from === "client" ? CLIENT_PROOFS : SERVICE_PROOFS)
      for (const value of metadata.get(header))
        if (typeof value !== "string")
          this.#tell({ event: "proof", from, header, hex: value.toString("hex") });
  }

  ended(status: grpc.StatusObject): void {
    const ms = Math.round((performance.now() - this.#began) * 10) / 10;
    const { code, details } = status;
    this.#tell({
      event: "ended",
      outcome: code === grpc.status.OK ? "OK" : outcomeOf(fromServiceError(status)),
      code,
      text: visible(details),
      bytes: this.#received,
      ms,
    });
  }

  #tell(what: EventPart): void {
    const { event, ...rest } = what;
    const at = new Date().toISOString();
    this.#sink({ at, pid: process.pid, call: this.#call, path: this.#path, event, ...rest } as TraceEvent);
  }
}

type Without<Event> = Event extends TraceEvent ? Omit<Event, "at" | "pid" | "call" | "path"> : never;
type EventPart = Without<TraceEvent>;

function outcomeOf(error: ReturnType<typeof fromServiceError>): string {
  return visible(error.name === "KrbError" ? error.reason : `${error.codeName}: ${error.details}`);
}

/** The same credentials; tells what they give. */
function told(
  credentials: grpc.CallCredentials,
  tell: (metadata: grpc.Metadata) => void,
): grpc.CallCredentials {
  return grpc.credentials.createFromMetadataGenerator((parameters, callback) => {
    credentials.generateMetadata(parameters).then(
      (metadata) => {
        tell(metadata);
        callback(null, metadata);
      },
      (error: Error) => callback(error),
    );
  });
}
