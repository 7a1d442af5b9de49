/**
 * One message to the first of several KDCs that answers.
 *
 * Invariants. Each KDC is asked at most once. The next one is asked when one fails, and when one is slow,
 * which may still answer meanwhile; all of it ends with the one deadline. A KDC's word is final, be it a
 * refusal. Whoever loses is cancelled.
 */
import * as grpc from "@grpc/grpc-js";
import { KrbError } from "../../protocol/krb-error.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { systemTimer, type Timer } from "../../rpc/timer.js";
import type { CallOptions } from "../../rpc/transport.js";
import { type KdcFailure, NoKdcError } from "./no-kdc-error.js";

/** The longest that one KDC is waited for before the next is asked as well, in milliseconds. */
const SLOW_MS = 1_000;

/** What several tries go by. */
export interface TriesOptions {
  /** When they must have ended, in milliseconds since the epoch. */
  readonly deadline: number;
  /** How long that is from now, in milliseconds. */
  readonly timeoutMs: number;
  readonly timer?: Timer | undefined;
  /** Told which KDC gave the answer, or the refusal. */
  readonly onAnswer?: ((address: string) => void) | undefined;
}

/**
 * Asks one KDC after the other, each as soon as the one before it has failed or is slow.
 * @param ask sends the message to a KDC. What it throws, rather than rejects with, is final.
 * @throws KrbError as a KDC refuses; NoKdcError where none answers, or the error of the only one.
 */
export function firstAnswer<Answer>(
  addresses: readonly string[],
  ask: (address: string, options: CallOptions) => Promise<Answer>,
  { deadline, timeoutMs, timer = systemTimer, onAnswer = () => {} }: TriesOptions,
): Promise<Answer> {
  // However short the time, each has its turn.
  const slowMs = Math.min(SLOW_MS, timeoutMs / (addresses.length + 1));
  const losers = new AbortController();
  const failures: KdcFailure[] = [];
  return new Promise((resolve, reject) => {
    let begun = 0;
    let isOver = false;
    let callOff = () => {};
    const end = (settle: () => void) => {
      isOver = true;
      callOff();
      settle();
      losers.abort();
    };
    const askNext = () => {
      callOff();
      const address = addresses[begun];
      if (isOver || address === undefined) return;
      begun++;
      let answer: Promise<Answer>;
      try {
        answer = ask(address, { deadline, signal: losers.signal });
      } catch (error) {
        end(() => reject(error));
        return;
      }
      if (begun < addresses.length) callOff = timer(slowMs, askNext);
      answer.then(
        (value) => {
          if (isOver) return;
          onAnswer(address);
          end(() => resolve(value));
        },
        (error: unknown) => {
          if (isOver) return;
          if (!isNoAnswer(error)) {
            if (error instanceof KrbError) onAnswer(address);
            end(() => reject(error));
            return;
          }
          failures.push({ address, error });
          if (failures.length < addresses.length) askNext();
          else end(() => reject(addresses.length === 1 ? error : new NoKdcError(failures)));
        },
      );
    };
    askNext();
  });
}

/**
 * Whether another KDC may do better: this one was not reached or did not answer, its database is away, or it
 * has too much to do. Any other refusal is a KDC's word, and a message that is too long would be so anywhere.
 */
function isNoAnswer(error: unknown): error is KrbError | RpcError {
  if (error instanceof KrbError) return error.reason === "KDC_ERR_SVC_UNAVAILABLE";
  if (!(error instanceof RpcError)) return false;
  return error.code !== grpc.status.RESOURCE_EXHAUSTED || error.retryAfterMs !== undefined;
}
