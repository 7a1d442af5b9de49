/** What came of a step, in a sentence: what the client has now, or who refused, by which check. */
import { KrbError } from "../../protocol/krb-error.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { DIALOGUE } from "../dialogue.js";
import type { TravellingCall } from "./interception.js";
import type { LiveOutcome } from "./live-state.js";
import { MEANINGS } from "./meanings.js";

/**
 * What a step failed with.
 * @param last the last call of the step.
 */
export function failureOf(what: string, error: unknown, last: TravellingCall | undefined): LiveOutcome {
  if (last?.request.isLost === true || last?.response?.isLost === true)
    return { what, verdict: "failed", text: `no answer: ${(error as Error).message}` };
  if (error instanceof KrbError) {
    const { reason, code, message: text, details } = error;
    const compared = Object.keys(details).length > 0 && { compared: details };
    const meaning = MEANINGS[reason];
    const why = meaning !== undefined && { meaning };
    return { what, verdict: "refused", by: refuser(last), reason, code, text, ...why, ...compared };
  }
  if (error instanceof RpcError)
    return { what, verdict: "refused", by: refuser(last), reason: error.codeName, text: error.message };
  return { what, verdict: "failed", text: String(error) };
}

/** The server, if the call was refused; otherwise the client did not take what it was answered. */
function refuser(last: TravellingCall | undefined) {
  return last?.refusal === undefined ? "C" : (DIALOGUE[last.path]?.request.to ?? "V");
}
