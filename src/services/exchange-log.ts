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

/** One line of the log: a flat record of text, numbers and short lists; what is undefined is not said. */
export type LogRecord = Readonly<Record<string, unknown>>;
/** Where the lines go; must not throw. */
export type Log = (record: LogRecord) => void;
/** The present, in milliseconds since the epoch. */
export type Clock = () => number;

/** What an exchange tells of itself while it runs. */
export interface ExchangeLine {
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
  run: (line: ExchangeLine, now: number) => Promise<Response>,
): Promise<Response> {
  const chosen = chosenId(context.metadata);
  if (chosen !== undefined) context.headers.set(CORRELATION_ID_METADATA, chosen);
  const line: ExchangeLine = {};
  const now = clock();
  const began = performance.now();
  const write = (id: string | undefined, outcome: Outcome) => {
    const ms = Math.round((performance.now() - began) * 1000) / 1000;
    const { client, server, operation, etypes, endtime } = line;
    const weak = weakNames(etypes);
    const { peer } = context;
    const time = isoTime(now);
    log({ time, exchange, id, peer, client, server, operation, etypes, endtime, weak, ...outcome, ms });
  };
  try {
    const response = await run(line, now);
    write(chosen, OK);
    return response;
  } catch (error) {
    const id = chosen ?? freshId();
    write(id, outcomeOf(error));
    // A refused unary call has no initial metadata: trailers are all that comes.
    context.trailers.set(CORRELATION_ID_METADATA, id);
    throw error instanceof StoreError
      ? new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the server can't reach its store; try again", { id })
      : error;
  }
}

/** How an exchange ended. */
interface Outcome {
  readonly level: "info" | "warn" | "error";
  readonly result: string;
  readonly [more: string]: unknown;
}

const OK: Outcome = { level: "info", result: "OK" };

function outcomeOf(error: unknown): Outcome {
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

/** The weak encryption types of an exchange, so that every DES ticket stands in the log as one. */
function weakNames(etypes: ExchangeLine["etypes"]): string[] | undefined {
  let weak: Set<string> | undefined;
  for (const part in etypes) {
    const etype = etypeOf(etypes[part]!);
    if (etype.weak) weak = (weak ?? new Set()).add(etype.name);
  }
  return weak && [...weak];
}

/** The identifier the caller chose, if it is short and plain. */
function chosenId(metadata: grpc.Metadata): string | undefined {
  const given = metadata.get(CORRELATION_ID_METADATA)[0];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : undefined;
}

/** 62 random bits as 16 digits. */
function freshId(): string {
  return randomUUID().slice(19).replace("-", "");
}
