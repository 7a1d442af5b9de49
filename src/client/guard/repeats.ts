/**
 * When a call is made once more: for want of a challenge (session.proto, `RepeatedAttempt`), or for its time.
 *
 * A repeat that reaches another process than the refusal came from is refused again: the connection has moved
 * in between, as in a rolling restart. So a call may be repeated twice.
 *
 * Invariant. Every repeat names the call's first attempt. Where that was made under a session, the process
 * which holds it takes one of all the attempts that name it or are it, and another refuses them over
 * plaintext: the second repeat adds nothing to what a forged refusal gains. An AP-REQ has no such home (a
 * process knows the tags of its own challenges alone), so it is repeated twice only where nobody can forge a
 * refusal.
 */
import type * as grpc from "@grpc/grpc-js";
import { MAX_CHALLENGE_BYTES } from "../../protocol/challenge.js";
import type { InnermostClientCall } from "../../rpc/grpc-js-internals.js";
import { isTimeRefused } from "../clock-offset.js";
import { isPrivate } from "./channel.js";
import type { Refused, Sent } from "./state.js";
import { isMoreRequired } from "./unproven-status.js";

const MAX_REPEATS = 2;

/**
 * Whether one more refusal may be answered by another repeat.
 * @param refused the refusal before; undefined: there was none.
 */
export function mayRepeat(
  refused: Refused | undefined,
  below: Pick<InnermostClientCall, "target" | "secure">,
): boolean {
  if (refused === undefined) return true;
  const { times, challenge, repeated } = refused;
  if (times >= MAX_REPEATS || challenge === undefined || repeated === undefined) return false;
  return "session" in repeated || isPrivate(below);
}

/**
 * What a refusal says of the attempt that it refuses, where it asks for another: once for its time, or with a
 * challenge. Undefined: it does not.
 * @param status the refusal as it came, and the error that it says it is.
 */
export function refusedAttempt(
  { session, security, ticket, refused: before }: Sent,
  status: grpc.StatusObject,
  refusal: unknown,
): Refused | undefined {
  // A session's proof has no time that a service could refuse.
  const forItsTime = session === undefined && before === undefined && isTimeRefused(refusal);
  const wantsMore = isMoreRequired(refusal);
  if (!forItsTime && !wantsMore) return undefined;
  const challenge = wantsMore ? refusal.challenge : undefined;
  if (challenge !== undefined && challenge.length > MAX_CHALLENGE_BYTES) return undefined;
  if (before !== undefined && challenge === undefined) return undefined;
  const { repeated = security.repeated, times = 0 } = before ?? {};
  return { status, ticket, forItsTime, challenge, repeated, times: times + 1 };
}
