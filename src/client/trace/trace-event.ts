/**
 * What a client's calls did on the wire, as plain data: a line of JSON each in a trace. It holds what
 * travelled and never a key. The messages of Kerberos' own services are in it, as they are sealed or no
 * secret; those of other services are not, but for their size.
 */

/** What every event says. */
export interface CallEvent {
  /** When, by the system's clock: ISO 8601 in UTC. */
  readonly at: string;
  /** Of the process. */
  readonly pid: number;
  /** Of the call, from 1 in each process. */
  readonly call: number;
  /** `/kerberos.v1.AuthenticationService/Authenticate` */
  readonly path: string;
}

/** A message that travelled. */
export interface MessageEvent extends CallEvent {
  readonly event: "sent" | "received";
  readonly bytes: number;
  /** The message; of Kerberos' own services alone. */
  readonly hex?: string;
}

/** Metadata that proves something: `kerberos-ap-req-bin`. A call that is tried again makes another. */
export interface ProofEvent extends CallEvent {
  readonly event: "proof";
  readonly from: "client" | "service";
  readonly header: string;
  readonly hex: string;
}

/** The end of a call. */
export interface EndEvent extends CallEvent {
  readonly event: "ended";
  /** `OK`, RFC 4120's name of the refusal, or the gRPC status with its text. */
  readonly outcome: string;
  /** The gRPC status code. */
  readonly code: number;
  readonly text: string;
  /** How many bytes were received. */
  readonly bytes: number;
  /** How long the call took, in milliseconds. */
  readonly ms: number;
}

/** Something that happened to a call. */
export type TraceEvent = MessageEvent | ProofEvent | EndEvent;

/** Told of what happens to a client's calls. It must not throw. */
export type TraceSink = (event: TraceEvent) => void;
