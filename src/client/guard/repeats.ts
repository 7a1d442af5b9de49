/**
 * How often a call is made once more for want of a challenge (session.proto, `RepeatedAttempt`).
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
import type { InnermostClientCall } from "../../rpc/grpc-js-internals.js";
import { isPrivate } from "./channel.js";
import type { Refused } from "./state.js";

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
