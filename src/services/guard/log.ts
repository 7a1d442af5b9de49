/** One line a guarded call, in the form of exchange-log.ts: who called what, and whether the guard let it in. */
import type { Caller } from "./caller.js";
import type { GuardConfig } from "./config.js";

/** What is known of a call from the start. */
export interface LoggedCall {
  readonly method: string;
  readonly peer: string;
  /** `performance.now()` at the start. */
  readonly began: number;
}

/** Writes a line, if anybody reads it. Names, numbers and times only. */
export function logCall(
  { log, clock }: GuardConfig,
  { method, peer, began }: LoggedCall,
  caller: Caller | undefined,
  outcome: Readonly<Record<string, unknown>>,
): void {
  if (log === undefined) return;
  log({
    time: new Date(clock()).toISOString(),
    exchange: "GUARD",
    method,
    peer,
    ...(caller && { client: caller.principal, server: caller.service, protection: caller.protection }),
    ...outcome,
    ms: Number((performance.now() - began).toFixed(3)),
  });
}
