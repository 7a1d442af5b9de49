/**
 * One structured line an exchange: who asked what, what was answered, under which encryption types.
 *
 * Invariant: names, numbers and times only. No key, password or ticket content ever gets here.
 */
import { randomUUID } from "node:crypto";
import type * as grpc from "@grpc/grpc-js";
import { isoTime } from "../protocol/kerberos-time.js";
import { etypeOf } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { CORRELATION_ID_METADATA } from "../rpc/metadata-names.js";
import { RpcError } from "../rpc/rpc-error.js";
import type { HandlerContext } from "../rpc/server-runtime.js";
import { StoreError } from "../store/store-error.js";

/** One line of the log: a flat record of text, numbers and short lists. */
export type LogRecord = Readonly<Record<string, unknown>>;
/** Where the lines go; must not throw. */
export type Log = (record: LogRecord) => void;
/** The present, in milliseconds since the epoch. */
export type Clock = () => number;

/** What an exchange tells of itself while it runs. */
export interface ExchangeFacts {
  client?: string;
  server?: string;
  operation?: string;
  /** Encryption types at work, by their part. */
  etypes?: Readonly<Record<string, number>>;
  endtime?: string;
}

/**
 * Runs one exchange and writes its line, whatever the outcome. Errors pass through, except that a store that is down
 * becomes KDC_ERR_SVC_UNAVAILABLE; the line keeps its cause.
 */
export async function logExchange<Response>(
  exchange: string,
  log: Log,
  clock: Clock,
  context: HandlerContext,
  run: (facts: ExchangeFacts, now: number) => Promise<Response>,
): Promise<Response> {
  const id = correlationId(context.metadata);
  context.headers.set(CORRELATION_ID_METADATA, id);
  const facts: ExchangeFacts = {};
  const now = clock();
  const began = performance.now();
  const write = (outcome: LogRecord) => {
    const ms = Math.round((performance.now() - began) * 1000) / 1000;
    const call = { time: isoTime(now), exchange, id, peer: context.peer };
    log(Object.assign(call, facts, weakness(facts), outcome, { ms }));
  };
  try {
    const response = await run(facts, now);
    write({ level: "info", result: "OK" });
    return response;
  } catch (error) {
    write(outcomeOf(error));
    // A refused unary call has no initial metadata: trailers are all that comes.
    context.trailers.set(CORRELATION_ID_METADATA, id);
    throw error instanceof StoreError
      ? new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the server can't reach its store; try again", { id })
      : error;
  }
}

function outcomeOf(error: unknown): LogRecord {
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

/** Names the weak encryption types of an exchange, so that every DES ticket stands in the log as one. */
function weakness(facts: ExchangeFacts): { weak?: string[] } {
  const weak = new Set<string>();
  for (const part in facts.etypes) {
    const etype = etypeOf(facts.etypes[part]!);
    if (etype.weak) weak.add(etype.name);
  }
  return weak.size > 0 ? { weak: [...weak] } : {};
}

/** The identifier the caller chose, if it is short and plain, or a fresh one. */
function correlationId(metadata: grpc.Metadata): string {
  const given = metadata.get(CORRELATION_ID_METADATA)[0];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : freshId();
}

/** 62 random bits as 16 digits; a UUID comes from a pool of Node's, random bytes of our own cost seven times as much. */
function freshId(): string {
  return randomUUID().slice(19).replace("-", "");
}
