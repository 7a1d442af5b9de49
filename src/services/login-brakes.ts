/**
 * What becomes of an answer of the AS where a name or an address has failed too often (login-attempts.ts).
 *
 * The brakes change the answer and not the work: a proof that will be refused is checked all the same, so
 * that its time tells nothing either.
 */
import * as grpc from "@grpc/grpc-js";
import { KrbError, type KrbErrorName } from "../protocol/krb-error.js";
import { RpcError } from "../rpc/rpc-error.js";
import type { LoginAttempt } from "../store/attempts/login-attempts.js";
import { StoreError } from "../store/store-error.js";
import { failureOf } from "./exchange-log.js";

/** Refusals of a wrong proof. */
const WRONG: readonly KrbErrorName[] = ["KDC_ERR_PREAUTH_FAILED", "KDC_ERR_C_PRINCIPAL_UNKNOWN"];
/**
 * Refusals that show a proof to be right. They count too: who learns that a password is right by a wrong
 * clock has guessed it.
 */
const PROVEN: readonly KrbErrorName[] = [
  "KRB_AP_ERR_SKEW",
  "KDC_ERR_CLIENT_REVOKED",
  "KDC_ERR_NAME_EXP",
  "KDC_ERR_KEY_EXPIRED",
  "KDC_ERR_POLICY",
  "KDC_ERR_CANNOT_POSTDATE",
  "KDC_ERR_NEVER_VALID",
  "KDC_ERR_ETYPE_NOSUPP",
];

/** What an attempt is answered. */
export interface Braked {
  /** What is thrown; undefined: the answer stands. */
  readonly refusal: unknown;
  /** Why a login could not be noted; it stands all the same. */
  readonly unnoted?: StoreError | undefined;
  /** In the refusal of whoever must wait, for the log alone: how the exchange would have ended. */
  readonly withheld?: string | undefined;
}

/**
 * Counts an attempt and decides what it is answered.
 * @param proof the proof as it travelled.
 * @param error what the exchange was refused with; undefined: it succeeded.
 * @throws StoreError if it can't be counted: then nobody learns whether the proof was right.
 */
export function brake(attempt: LoginAttempt, proof: Uint8Array, error: unknown): Braked {
  const reason = error instanceof KrbError ? error.reason : undefined;
  const isProven = error === undefined || (reason !== undefined && PROVEN.includes(reason));
  const isWrong = reason !== undefined && WRONG.includes(reason);
  const unnoted = error === undefined && attempt.isOpen ? note(attempt) : undefined;
  if (error !== undefined && (isWrong || isProven)) attempt.failed(proof);
  if (attempt.waitMs === 0 || (attempt.isOpen && isProven)) return { refusal: error, unnoted };
  const withheld = error === undefined ? "OK" : failureOf(error).result;
  return { refusal: tooManyFailures(attempt.waitMs), withheld };
}

/** Notes a login. A full disk keeps nobody out. */
function note(attempt: LoginAttempt): StoreError | undefined {
  try {
    attempt.succeeded();
    return undefined;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
}

/** The refusal of whoever must wait, in whole seconds: the same bytes whoever asks, and for whom. */
function tooManyFailures(waitMs: number): RpcError {
  const seconds = Math.ceil(waitMs / 1000);
  return new RpcError(
    grpc.status.RESOURCE_EXHAUSTED,
    `too many failed logins with this name or from this address; try again in ${seconds} s`,
    { retryAfterMs: seconds * 1000, hint: "wait; a login that was right is refused too" },
  );
}
