/**
 * How far a guarded call has come on the server; call.ts takes it from one state to the next.
 *
 *   new → started → looking → reading → checking → holding → serving    a single request: admission covers its
 *                                                                       bytes
 *   new → started → looking ──────────→ checking ──────────→ serving    a stream of requests
 *         any of these ────→ ended ──────→ over                         grpc-js tells of the end of every call
 */
import type * as grpc from "@grpc/grpc-js";
import type { Looked } from "./admission.js";
import type { Caller } from "./caller.js";
import type { GuardedStream } from "./guarded-stream.js";
import type { GuardedMessages } from "./messages.js";
import type { Peer } from "./received-call.js";

/** The interceptors behind the guard, and the handler. */
export type Listener = Parameters<grpc.ServerInterceptingCallInterface["start"]>[0];

/** The states of a call. */
export type CallState =
  | { readonly at: "new" }
  | Started
  | Looking
  | Reading
  | Checking
  | Holding
  | Serving
  | Ended
  | { readonly at: "over" };

/** Waits for the headers. */
export interface Started {
  readonly at: "started";
  readonly listener: Listener;
}

/** Has its headers; waits for the turn in which its proof is looked at. */
export interface Looking {
  readonly at: "looking";
  readonly listener: Listener;
}

/** Waits for the single request. */
export interface Reading {
  readonly at: "reading";
  readonly listener: Listener;
  readonly metadata: grpc.Metadata;
  readonly looked: Looked;
  readonly peer: Peer;
}

/** Waits for the turn in which it is admitted, then for rules and replay cache. */
export interface Checking {
  readonly at: "checking";
  readonly listener: Listener;
  readonly metadata: grpc.Metadata;
  /** The single request; undefined where requests are a stream. */
  readonly request: Buffer | undefined;
}

/** Let in; the single request waits for the handler to read it. */
export interface Holding {
  readonly at: "holding";
  readonly listener: Listener;
  readonly caller: Caller;
  readonly messages: GuardedMessages;
  readonly stream: GuardedStream | undefined;
  readonly metadata: grpc.Metadata;
  /** The request, decoded. */
  readonly request: unknown;
}

/** Let in; messages pass. */
export interface Serving {
  readonly at: "serving";
  readonly listener: Listener;
  /** By the latest ticket. */
  caller: Caller;
  readonly messages: GuardedMessages;
  /** Undefined: neither requests nor responses are a stream. */
  readonly stream: GuardedStream | undefined;
  /** What the caller is found by. */
  readonly metadata: grpc.Metadata;
}

/** The status was sent. */
export interface Ended {
  readonly at: "ended";
  readonly listener: Listener;
}
