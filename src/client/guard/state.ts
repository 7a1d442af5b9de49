/**
 * How far a guarded call has come on the client; call.ts takes it from one state to the next.
 *
 *            ┌──────────────┐                     once more: by a corrected clock, or a challenge
 *            ▼              │
 *   new → waiting → ready → sent → proven → over     ready alone where the ticket comes before the request
 *                            └─→ failed → over       no AP-REQ could be made for an attempt
 */
import type * as grpc from "@grpc/grpc-js";
import type { OpenedMessage } from "../../protocol/message-protection.js";
import type { Repeated } from "../../protocol/session-extensions.js";
import type { InnermostClientCall } from "../../rpc/grpc-js-internals.js";
import type { MessageContext, RequestWriter } from "./request-writer.js";
import type { CallSecurity } from "./security.js";
import type { ClientSession, Plan } from "./sessions.js";
import type { StreamRenewal } from "./stream-renewal.js";
import type { ServiceProof } from "./tickets.js";

/** The interceptors above, and the application. */
export type Listener = Partial<grpc.InterceptingListener>;

/** The states of a call. */
export type CallState =
  | { readonly at: "new"; readonly steps: Step[] }
  | Waiting
  | Ready
  | Sent
  | Proven
  | Failed
  | { readonly at: "over" };

/** What the application did before the call could start. */
export type Step =
  | { readonly does: "send"; readonly context: MessageContext; readonly bytes: Uint8Array }
  | { readonly does: "halfClose" }
  | { readonly does: "startRead" };

/** Waits for its ticket, and for a session that is being made. */
export interface Waiting {
  readonly at: "waiting";
  readonly listener: Listener;
  readonly metadata: grpc.Metadata;
  readonly steps: Step[];
  /** The attempt before, which was refused in such a way that it is made once more. */
  readonly refused?: Refused;
}

/** An attempt whose refusal asks for another. */
export interface Refused {
  readonly status: grpc.StatusObject;
  readonly ticket: ServiceProof;
  /** Whether it was its time that was refused; otherwise the service wants more than it got. */
  readonly forItsTime: boolean;
  /** The service's challenge, if it has sent one. */
  readonly challenge: Uint8Array | undefined;
  /** The call's first attempt: what every repeat names. */
  readonly repeated: Repeated | undefined;
  /** How often the call was refused. */
  readonly times: number;
}

/** Has its ticket; waits for the single request, if there is to be one. */
export interface Ready {
  readonly at: "ready";
  readonly listener: Listener;
  readonly metadata: grpc.Metadata;
  readonly steps: Step[];
  readonly below: InnermostClientCall;
  readonly ticket: ServiceProof;
  readonly plan: Plan;
  readonly refused?: Refused;
}

/** Under way; the service has not proved itself. */
export interface Sent extends UnderWay {
  readonly at: "sent";
  /** The attempt before, if this one repeats it. */
  readonly refused: Refused | undefined;
  /** What it takes to make the call once more; undefined: it is not, or there is too much of it. */
  repeat: Repeat | undefined;
}

/** A call as it was begun, to be made once more. */
export interface Repeat {
  readonly metadata: grpc.Metadata;
  readonly steps: Step[];
  /** The size of its requests, in bytes. */
  size: number;
}

/** Under way, and the service has proved itself. */
export interface Proven extends UnderWay {
  readonly at: "proven";
}

/** What a call that is under way has. */
export interface UnderWay {
  readonly listener: Listener;
  readonly below: InnermostClientCall;
  /** The latest. */
  ticket: ServiceProof;
  /** Undefined: the call has no stream of requests that could be renewed. */
  readonly renewal: StreamRenewal | undefined;
  /** The session it is made under, if any. */
  readonly session: ClientSession | undefined;
  readonly security: CallSecurity;
  readonly requests: RequestWriter;
  /** A single response that waits for its proof. */
  held?: OpenedMessage | undefined;
}

/** No AP-REQ could be made; the status is still to come, and `error` takes its place. */
export interface Failed {
  readonly at: "failed";
  readonly listener: Listener;
  readonly error: unknown;
}

/** The most bytes of requests that are kept to make a call once more. */
const MAX_REPEATED_BYTES = 1 << 20;

/** Keeps a step, so that the call can be made once more, as long as there is not too much of it. */
export function keep(state: Sent, step: Step): void {
  const { repeat } = state;
  if (repeat === undefined) return;
  if (step.does === "send") repeat.size += step.bytes.length;
  if (repeat.size > MAX_REPEATED_BYTES) state.repeat = undefined;
  else repeat.steps.push(step);
}
