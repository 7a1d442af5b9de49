/**
 * What becomes of a status that the service has not proved (session.proto, `SessionReply`): whoever is on the
 * way can make one, and grpc-js makes its own below all interceptors.
 */
import * as grpc from "@grpc/grpc-js";
import { mutualFailure } from "../../protocol/ap-rep.js";
import { KrbError } from "../../protocol/krb-error.js";
import { RpcError } from "../../rpc/rpc-error.js";
import type { CallSecurity } from "./security.js";

/** Timers and clocks differ by no more, in milliseconds. */
const CLOCK_NOISE_MS = 50;

/** What a call may have been ended by on the client itself. */
export interface OwnEnds {
  /** What the application, or the call itself, has ended it with. */
  readonly own: { readonly code: grpc.status; readonly details: string } | undefined;
  /** What the application's call credentials have failed with; grpc-js puts it at the end of the status. */
  readonly credentialsError?: string | undefined;
  readonly parent: grpc.CallOptions["parent"];
  readonly deadline: grpc.Deadline | undefined;
}

/**
 * Whether an unproven status goes to the application as it is: never an OK.
 * @param refusal the error that the status says it is.
 */
export function passesUnproven(
  { code, details }: grpc.StatusObject,
  refusal: unknown,
  security: Pick<CallSecurity, "passesUnproven">,
  { own, credentialsError, parent, deadline }: OwnEnds,
): boolean {
  if (code === grpc.status.OK) return false;
  if (code === grpc.status.UNAVAILABLE || isMoreRequired(refusal)) return true;
  if (own?.code === code && own.details === details) return true;
  if (credentialsError && details.endsWith(credentialsError)) return true;
  if (code === grpc.status.CANCELLED && parent?.cancelled === true) return true;
  if (code === grpc.status.DEADLINE_EXCEEDED && isPast(deadline)) return true;
  return security.passesUnproven(refusal instanceof KrbError ? refusal : undefined);
}

/**
 * What takes the place of an unproven status: it says what that claims, and that somebody else may have made
 * it. A stream that was broken off is UNAVAILABLE, like a broken connection, which whoever is on the way can
 * break as well. So is a server without room for the call, which says so below the guard (`guardedServer`'s
 * limits) and how long to wait.
 * @param refusal the error that the status says it is.
 */
export function unproven(status: grpc.StatusObject, refusal: unknown): KrbError | RpcError {
  const { code, details } = status;
  if (code === grpc.status.OK) return mutualFailure();
  const claim = `unproven: ${nameOf(code)}: ${details}`;
  if (isBrokenOff(status))
    return new RpcError(
      grpc.status.UNAVAILABLE,
      `the call was broken off without an answer, and may have run; ${claim}`,
    );
  if (code === grpc.status.RESOURCE_EXHAUSTED && refusal instanceof RpcError) {
    const { retryAfterMs } = refusal;
    if (retryAfterMs !== undefined)
      return new RpcError(
        grpc.status.UNAVAILABLE,
        `the service is busy, and the call may have run; ${claim}`,
        {
          retryAfterMs,
        },
      );
  }
  return new KrbError(
    "KRB_AP_ERR_MUT_FAIL",
    `the service did not prove its answer, and the call may have run; ${claim}`,
    { unproven_code: String(code), unproven_text: details },
  );
}

/**
 * Whether a status is what grpc-js makes of an RST_STREAM: CANCELLED, which the client did not cause, of one
 * with CANCEL, as of a server that shuts down by force; INTERNAL of one that came in place of a status.
 */
export function isBrokenOff({ code, details }: grpc.StatusObject): boolean {
  if (code === grpc.status.INTERNAL) return /^Received RST_STREAM with code \d/.test(details);
  return code === grpc.status.CANCELLED;
}

/** Whether the service asks for more than the proof it got, and says that it has run nothing. */
export function isMoreRequired(error: unknown): error is KrbError {
  return error instanceof KrbError && error.reason === "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED";
}

function isPast(deadline: grpc.Deadline | undefined): boolean {
  return deadline !== undefined && Number(deadline) <= Date.now() + CLOCK_NOISE_MS;
}

function nameOf(code: grpc.status): string {
  return grpc.status[code] ?? `status ${code}`;
}
