/**
 * How far a guarded call has come on the client; call.ts takes it from one state to the next.
 *
 *            ┌──────────────┐                     its time was refused: once more, by the corrected clock
 *            ▼              │
 *   new → waiting → ready → sent → proven → over     ready alone where the ticket comes before the request
 *                            └─→ failed → over       no AP-REQ could be made for an attempt
 */
import type * as grpc from "@grpc/grpc-js";
import type { InnermostClientCall } from "../../rpc/grpc-js-internals.js";
import type { GuardedMessages } from "./messages.js";
import type { CallProof } from "./proof.js";
import type { ServiceProof } from "./tickets.js";

/** The interceptors above, and the application. */
export type Listener = Partial<grpc.InterceptingListener>;
/** What grpc-js hands on beside a message. */
export type MessageContext = Parameters<grpc.InterceptingCall["sendMessageWithContext"]>[0];

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

/** Waits for its ticket. */
export interface Waiting {
  readonly at: "waiting";
  readonly listener: Listener;
  readonly metadata: grpc.Metadata;
  readonly steps: Step[];
  /** The status of the attempt before, which found our clock wrong. */
  readonly refused?: Refused;
}

/** An attempt that failed by the time of its proof. */
export interface Refused {
  readonly status: grpc.StatusObject;
  readonly ticket: ServiceProof;
}

/** Has its ticket; waits for the single request, if there is to be one. */
export interface Ready {
  readonly at: "ready";
  readonly listener: Listener;
  readonly metadata: grpc.Metadata;
  readonly steps: Step[];
  readonly below: Pick<InnermostClientCall, "authority">;
  readonly ticket: ServiceProof;
  readonly refused?: Refused;
}

/** Under way; the service has not proved itself. */
export interface Sent extends UnderWay {
  readonly at: "sent";
  /** What it takes to make the call once more; undefined: it has been, or its requests are a stream. */
  readonly repeat: { readonly metadata: grpc.Metadata; readonly steps: Step[] } | undefined;
}

/** Under way, and the service has proved itself. */
export interface Proven extends UnderWay {
  readonly at: "proven";
}

/** What a call that is under way has. */
export interface UnderWay {
  readonly listener: Listener;
  readonly ticket: ServiceProof;
  readonly proof: CallProof;
  readonly messages: GuardedMessages;
}

/** No AP-REQ could be made; the status is still to come, and `error` takes its place. */
export interface Failed {
  readonly at: "failed";
  readonly listener: Listener;
  readonly error: unknown;
}
