/**
 * The line that each guarded call leaves in the log, in the form of exchange-log.ts: who called what, and
 * what came of it.
 */
import type { LogLevel, LogRecord } from "../exchange-log.js";
import { type Caller, ticketIdOf } from "./caller.js";

/** What is known of a call from the start. */
export interface LoggedCall {
  readonly method: string;
  readonly peer: string;
  /** `performance.now()` at the start. */
  readonly began: number;
}

/** What came of it. */
export interface LoggedOutcome {
  readonly level: LogLevel;
  readonly result?: string;
  readonly text?: string;
  /** What a refusal compared. */
  readonly compared?: Readonly<Record<string, string>>;
}

/** A call's line: names, numbers and times only. `now` in milliseconds since the epoch. */
export function callRecord(
  { method, peer, began }: LoggedCall,
  caller: Caller | undefined,
  outcome: LoggedOutcome,
  now: number,
): LogRecord {
  return {
    time: new Date(now).toISOString(),
    exchange: "GUARD",
    method,
    peer,
    ...(caller && {
      client: caller.principal,
      server: caller.service,
      protection: caller.protection,
      ticket: ticketIdOf(caller),
    }),
    ...outcome,
    ms: Number((performance.now() - began).toFixed(3)),
  };
}
