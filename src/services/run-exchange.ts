/**
 * What surrounds each exchange of AS, TGS and V: one reading of the clock, one line in the log whatever the
 * outcome, and the refusal when a store is down.
 */
import { randomUUID } from "node:crypto";
import * as grpc from "@grpc/grpc-js";
import { KrbError } from "../protocol/krb-error.js";
import { CORRELATION_ID_METADATA } from "../rpc/metadata-names.js";
import type { HandlerContext } from "../rpc/server-runtime.js";
import { tracePrincipal, traceServerCall } from "../rpc/tracing.js";
import { StoreError } from "../store/store-error.js";
import type { Clock } from "./clock.js";
import {
  ANSWERED,
  ANSWERED_AGAIN,
  type ExchangeLine,
  exchangeRecord,
  failureOf,
  type Log,
  type Outcome,
} from "./exchange-log.js";
import type { Metrics } from "./metrics/metrics.js";

/** What it takes to run an exchange. */
export interface ExchangeShell {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Metrics | undefined;
  /** Whether spans say who calls. */
  readonly tracePrincipals?: boolean | undefined;
}

/**
 * Runs one exchange.
 * @param exchange its name in the log.
 * @param run the exchange itself: fills in its line of the log as it goes, and works with the one `now` of
 *   the request, in milliseconds since the epoch.
 * @throws whatever `run` throws, except that a StoreError becomes KrbError KDC_ERR_SVC_UNAVAILABLE; the log
 *   keeps its cause.
 */
export async function runExchange<Response>(
  exchange: string,
  { clock, log, metrics, tracePrincipals }: ExchangeShell,
  context: Pick<HandlerContext, "method" | "metadata" | "headers" | "trailers" | "peer">,
  run: (line: ExchangeLine, now: number) => Promise<Response>,
): Promise<Response> {
  const now = clock();
  const began = performance.now();
  const line: ExchangeLine = {};
  const span = traceServerCall(context.method, context.metadata);
  const write = (id: string | undefined, outcome: Outcome) => {
    const ms = Math.round((performance.now() - began) * 1000) / 1000;
    metrics?.exchange({ exchange, reason: outcome.result, etypes: line.etypes, ms });
    if (span !== undefined && tracePrincipals === true && line.client !== undefined)
      span.run(() => tracePrincipal(line.client!));
    log(exchangeRecord({ exchange, now, id, peer: context.peer, ms }, line, outcome));
  };
  const chosen = chosenId(context.metadata);
  if (chosen !== undefined) context.headers.set(CORRELATION_ID_METADATA, chosen);
  try {
    const response = await (span === undefined ? run(line, now) : span.run(() => run(line, now)));
    write(chosen, line.repeated ? ANSWERED_AGAIN : ANSWERED);
    span?.end(grpc.status.OK);
    return response;
  } catch (error) {
    const id = chosen ?? freshId();
    write(id, failureOf(error));
    // A refused unary call has no initial metadata, only trailers.
    context.trailers.set(CORRELATION_ID_METADATA, id);
    const told = error instanceof StoreError ? storeDown(id) : error;
    span?.fail(told);
    throw told;
  }
}

/** What the caller is told about a StoreError. */
function storeDown(id: string): KrbError {
  return new KrbError("KDC_ERR_SVC_UNAVAILABLE", "the server can't reach its store; try again", { id });
}

/** The correlation id that the caller chose, if it is short and plain. */
function chosenId(metadata: grpc.Metadata): string | undefined {
  const given = metadata.get(CORRELATION_ID_METADATA)[0];
  return typeof given === "string" && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : undefined;
}

/** 62 random bits as 16 digits. */
function freshId(): string {
  return randomUUID().slice(19).replace("-", "");
}
