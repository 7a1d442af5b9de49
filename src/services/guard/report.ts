/** What becomes of a guarded call, as it is told to log, metrics and trace. */
import * as grpc from "@grpc/grpc-js";
import { KrbError } from "../../protocol/krb-error.js";
import { hasStatus, toStatus } from "../../rpc/status.js";
import { tracePrincipal } from "../../rpc/tracing.js";
import type { Caller } from "./caller.js";
import type { GuardConfig } from "./config.js";
import { callRecord, type LoggedOutcome } from "./log.js";

/** Who is told of calls. */
type Readers = Pick<GuardConfig, "log" | "metrics" | "tracePrincipals" | "clock">;

/** Tells of one call. */
export class CallReport {
  readonly #readers: Readers;
  readonly #method: string;
  readonly #call: Pick<grpc.ServerInterceptingCallInterface, "getPeer">;
  readonly #began = performance.now();

  private constructor(
    readers: Readers,
    method: string,
    call: Pick<grpc.ServerInterceptingCallInterface, "getPeer">,
  ) {
    this.#readers = readers;
    this.#method = method;
    this.#call = call;
  }

  /** Begins with a call; undefined where nobody is told of any. */
  static of(
    readers: Readers,
    method: string,
    call: Pick<grpc.ServerInterceptingCallInterface, "getPeer">,
  ): CallReport | undefined {
    const { log, metrics, tracePrincipals } = readers;
    if (log === undefined && metrics === undefined && !tracePrincipals) return undefined;
    return new CallReport(readers, method, call);
  }

  /** The call was let in. @param now milliseconds since the epoch. */
  letIn(caller: Caller, now: number): void {
    this.#log(caller, { level: "info", result: "OK" }, now);
    this.#count("OK", false);
    if (this.#readers.tracePrincipals) tracePrincipal(caller.principal);
  }

  /** A stream goes on by its caller's next ticket. */
  renewed(caller: Caller): void {
    const until = new Date(caller.endtime).toISOString();
    this.#log(caller, { level: "info", result: "OK", text: `renewed until ${until}` });
  }

  /**
   * The call ends with what `error` says.
   * @param caller undefined: nobody has proved who calls.
   */
  refused(error: unknown, caller: Caller | undefined, wasLetIn: boolean): void {
    this.#count(reasonOf(error), wasLetIn);
    this.#log(
      caller,
      error instanceof KrbError
        ? { level: "warn", result: error.reason, text: error.message, compared: error.details }
        : { level: hasStatus(error) ? "warn" : "error", result: "INTERNAL", text: String(error) },
    );
  }

  /** Something went wrong that does not end the call. */
  failed(error: unknown): void {
    this.#log(undefined, { level: "error", text: String(error) });
  }

  #count(reason: string, wasLetIn: boolean): void {
    const { metrics } = this.#readers;
    if (metrics === undefined) return;
    metrics.guardedCall({ method: this.#method, reason, wasLetIn, ms: performance.now() - this.#began });
  }

  #log(caller: Caller | undefined, outcome: LoggedOutcome, now?: number): void {
    const { log, clock } = this.#readers;
    if (log === undefined) return;
    const call = { method: this.#method, peer: this.#call.getPeer(), began: this.#began };
    log(callRecord(call, caller, outcome, now ?? clock()));
  }
}

/** RFC 4120's name of a refusal, or the name of a gRPC code. */
function reasonOf(error: unknown): string {
  return error instanceof KrbError ? error.reason : (grpc.status[toStatus(error).code] ?? "UNKNOWN");
}
