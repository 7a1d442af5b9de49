/**
 * The servers' log: one structured line an exchange, of who asked what, how it ended, and under which
 * encryption types.
 *
 * Invariant: names, numbers and times only. No key, password or ticket content ever gets here.
 */
import { etypeOf } from "../protocol/etypes.js";
import { isoTime } from "../protocol/kerberos-time.js";
import { KrbError } from "../protocol/krb-error.js";
import { RpcError } from "../rpc/rpc-error.js";
import { StoreError } from "../store/store-error.js";

/** How much a line matters. */
export type LogLevel = "info" | "warn" | "error";
/** One line of the log: a flat record of text, numbers and short lists; undefined values are left out. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly [more: string]: unknown;
}
/** Takes the lines. A server goes on where it throws or returns a promise that rejects. */
export type Log = (record: LogRecord) => void;

/** What an exchange reports of itself as it runs. */
export interface ExchangeLine {
  client?: string;
  server?: string;
  operation?: string;
  /** The numbers of the encryption types at work, by what they seal. */
  etypes?: Readonly<Record<string, number>>;
  /** The end of the ticket, as ISO 8601 text. */
  endtime?: string;
  /** The name of the TGT (ticket-id.ts): the AS's that it gave, the TGS's that it was shown. */
  tgt?: string;
  /** The name of the ticket: the TGS's that it gave, V's that it was shown. */
  ticket?: string;
  /** Whether the answer is the one that was given to the same request before: it is no login of its own. */
  repeated?: boolean;
  /** How a login would have ended that was refused for earlier failures. */
  withheld?: string | undefined;
}

/** What the shell knows of an exchange. */
export interface ExchangeFrame {
  /** `AS`, `TGS` or `V`. */
  readonly exchange: string;
  /** When it began, in milliseconds since the epoch. */
  readonly now: number;
  /** The correlation id, if the line has one. */
  readonly id: string | undefined;
  /** The caller's address and port. */
  readonly peer: string;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** How an exchange ended. */
export interface Outcome {
  readonly level: LogLevel;
  /** `OK`, RFC 4120's name of the refusal, or the name of a gRPC code. */
  readonly result: string;
  readonly code?: number;
  readonly text?: string;
  /** What was compared, of a refusal. */
  readonly compared?: unknown;
  readonly cause?: string;
  readonly stack?: string | undefined;
}

/** The outcome of an exchange that was answered. */
export const ANSWERED: Outcome = { level: "info", result: "OK" };

/** The outcome of an exchange that was answered before, and is answered the same. */
export const ANSWERED_AGAIN: Outcome = {
  level: "info",
  result: "REPEATED",
  text: "the same request as before, answered the same",
};

/** The outcome of an exchange that threw `error`. */
export function failureOf(error: unknown): Outcome {
  if (error instanceof KrbError)
    return {
      level: "warn",
      result: error.reason,
      code: error.code,
      text: error.message,
      compared: error.details,
    };
  if (error instanceof RpcError) return { level: "warn", result: error.codeName, text: error.message };
  if (error instanceof StoreError)
    return { level: "error", result: "KDC_ERR_SVC_UNAVAILABLE", text: error.message, cause: error.code };
  return { level: "error", result: "INTERNAL", text: String(error), stack: (error as Error)?.stack };
}

/** The line of a finished exchange. */
export function exchangeRecord(frame: ExchangeFrame, line: ExchangeLine, outcome: Outcome): LogRecord {
  const { exchange, id, peer, ms } = frame;
  const { client, server, operation, etypes, endtime, tgt, ticket, withheld } = line;
  const { level, result, code, text, compared, cause, stack } = outcome;
  const time = isoTime(frame.now);
  const weak = weakNames(etypes);
  // Each field by itself: spreading an object costs more than a hash.
  return {
    time,
    exchange,
    id,
    peer,
    client,
    server,
    operation,
    tgt,
    ticket,
    etypes,
    endtime,
    weak,
    level,
    result,
    code,
    text,
    compared,
    cause,
    stack,
    withheld,
    ms,
  };
}

/** The weak encryption types of an exchange, so that the log shows every DES ticket as one. */
function weakNames(etypes: ExchangeLine["etypes"]): string[] | undefined {
  let weak: Set<string> | undefined;
  for (const part in etypes) {
    const etype = etypeOf(etypes[part]!);
    if (etype.weak) weak = (weak ?? new Set()).add(etype.name);
  }
  return weak && [...weak];
}
