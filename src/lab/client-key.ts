/** The client's own key, made of its password as the client made it. */
import { etypeOf } from "../protocol/etypes.js";
import { KeyUsage } from "../protocol/key-usage.js";
import { defaultStringToKey, type Key, keyFromPassword, type StringToKey } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { passwordForms } from "../protocol/passwords.js";
import type { Principal } from "../protocol/principal.js";
import type { CapturedCall } from "./capture.js";
import { lastProof } from "./explain.js";
import { tryOpen } from "./open-part.js";

/**
 * The key of the encryption type and from the form of the password that the client proved to the KDC last;
 * undefined if it proved none, or another password.
 */
export async function clientKey(
  principal: Principal,
  password: string,
  calls: readonly CapturedCall[],
): Promise<Key | undefined> {
  const proof = lastProof(calls);
  if (proof === undefined) return undefined;
  const made = stringToKey(principal, proof.etype, calls);
  for (const form of passwordForms(password)) {
    const key = await keyFromPassword(etypeOf(proof.etype), form, made);
    if (tryOpen(key, "encTimestamp", KeyUsage.PA_ENC_TIMESTAMP, proof) !== undefined) return key;
  }
  return undefined;
}

/** How the client made its key: as the KDC advised with a refusal, or else in the usual way. */
function stringToKey(principal: Principal, etype: number, calls: readonly CapturedCall[]): StringToKey {
  const advice = calls
    .flatMap(({ refusal }) => (refusal instanceof KrbError ? (refusal.etypeInfo?.entries ?? []) : []))
    .findLast((entry) => entry.etype === etype);
  return advice === undefined
    ? defaultStringToKey(principal)
    : { salt: advice.salt, params: advice.s2kparams };
}
