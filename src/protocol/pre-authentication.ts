/**
 * Pre-authentication by encrypted timestamp (RFC 4120 §5.2.7.2): the client proves its key before the AS
 * answers, in its first request.
 */
import { create } from "@bufbuild/protobuf";
import type { RandomSource } from "../crypto/encryption-type.js";
import { EncryptedDataSchema } from "../gen/kerberos/v1/encryption_pb.js";
import {
  type EtypeInfo2,
  EtypeInfo2Schema,
  type PaData,
  PaDataSchema,
  PaDataType,
} from "../gen/kerberos/v1/kdc_pb.js";
import { PaEncTimestampSchema } from "../gen/kerberos/v1/sealed_pb.js";
import { checkSkew, fromTimestamp, toTimestamp } from "./kerberos-time.js";
import { KeyUsage } from "./key-usage.js";
import type { Key, LongTermKey } from "./keys.js";
import { stringToKeyOf } from "./keys.js";
import { KrbError, malformed, tooLong } from "./krb-error.js";
import type { PrincipalEntry } from "./principal-entry.js";
import { sealToBytes, unseal } from "./sealed-part.js";
import { decodeBlob } from "./strict-decode.js";

/** The most pre-authentication elements that a request may carry. */
const MAX_PADATA = 8;

/**
 * Seals the client's time, in milliseconds since the epoch, and the request's nonce under the client's key.
 */
export function makeEncTimestamp(key: Key, nonce: Uint8Array, now: number, random?: RandomSource): PaData {
  const timestamp = create(PaEncTimestampSchema, { patimestamp: toTimestamp(now), nonce });
  const value = sealToBytes({ key, usage: KeyUsage.PA_ENC_TIMESTAMP }, "encTimestamp", timestamp, random);
  return create(PaDataSchema, { type: PaDataType.ENC_TIMESTAMP, value });
}

/** The proof in pre-authentication data, as it travelled; undefined: there is none. */
export function encTimestampOf(padata: readonly PaData[]): Uint8Array | undefined {
  return padata.find(({ type }) => type === PaDataType.ENC_TIMESTAMP)?.value;
}

/**
 * Checks the client's proof and returns the key that made it.
 * @param padata as received; unknown types are ignored.
 * @param keys the client's current keys, or decoys.
 * @param info makes what a refusal tells the client of its keys.
 * @param failed makes the refusal of a wrong proof.
 * @param skew how far clocks may be apart, in milliseconds.
 * @param now milliseconds since the epoch.
 * @throws KrbError KRB_ERR_GENERIC for malformed elements; KDC_ERR_PREAUTH_REQUIRED if there is no proof
 *   under one of the client's encryption types; KDC_ERR_PREAUTH_FAILED if it is wrong; KRB_AP_ERR_SKEW if it
 *   is right but its time is not.
 */
export function verifyEncTimestamp(
  padata: readonly PaData[],
  nonce: Uint8Array,
  keys: readonly LongTermKey[],
  info: () => EtypeInfo2,
  failed: () => KrbError,
  skew: number,
  now: number,
): LongTermKey {
  checkPaData(padata);
  const value = encTimestampOf(padata);
  if (value === undefined) throw preauthRequired(info());
  const data = decodeBlob(EncryptedDataSchema, value, "padata.value");
  const candidate = keys.find(({ key }) => key.etype.etype === data.etype);
  if (candidate === undefined) throw preauthRequired(info());
  const sealing = { key: candidate.key, usage: KeyUsage.PA_ENC_TIMESTAMP };
  const proof = unseal(sealing, "encTimestamp", data, failed);
  if (proof.patimestamp === undefined || Buffer.compare(proof.nonce, nonce) !== 0) throw failed();
  checkSkew(fromTimestamp(proof.patimestamp, "padata.patimestamp"), now, skew);
  return candidate;
}

/**
 * How those of a client's keys that the realm permits are made from its password: what refusals tell anyone
 * who asks. Keys that were not made from one, decoys or random keys, are described as if they had been, with
 * the realm's `iterations`.
 */
export function etypeInfoOf(
  entry: PrincipalEntry,
  permitted: readonly LongTermKey[],
  iterations: number | undefined,
): EtypeInfo2 {
  return create(EtypeInfo2Schema, {
    entries: permitted.map(({ key }) => {
      const { salt, params } =
        entry.stringToKey.get(key.etype.etype) ?? stringToKeyOf(entry.principal, key.etype, iterations);
      return { etype: key.etype.etype, salt, s2kparams: params };
    }),
  });
}

/**
 * The refusal of a wrong proof, and of an unknown client: under its true name for the log, `asCallersSee`
 * makes it the other one. One way for both, since the one less travelled would be slower.
 */
export function wrongProof(exists: boolean, info: EtypeInfo2 | undefined): KrbError {
  const reason = exists ? "KDC_ERR_PREAUTH_FAILED" : "KDC_ERR_C_PRINCIPAL_UNKNOWN";
  return new KrbError(reason, PREAUTH_FAILED_TEXT, {}, info);
}

/** A refusal as callers see it, who must not learn from it which names exist. */
export function asCallersSee(error: KrbError): KrbError {
  const { reason, etypeInfo } = error;
  const telling = reason === "KDC_ERR_C_PRINCIPAL_UNKNOWN" || reason === "KDC_ERR_PREAUTH_FAILED";
  return telling ? wrongProof(true, etypeInfo) : error;
}

const PREAUTH_FAILED_TEXT = "pre-authentication failed: wrong password, or no such principal";

function preauthRequired(info: EtypeInfo2): KrbError {
  const text = "pre-authentication required: prove the password with an encrypted timestamp";
  return new KrbError("KDC_ERR_PREAUTH_REQUIRED", text, {}, info);
}

function checkPaData(padata: readonly PaData[]): void {
  if (padata.length > MAX_PADATA)
    throw tooLong("padata", padata.length, MAX_PADATA, `at most ${MAX_PADATA} elements are accepted`);
  if (padata.some(({ type }) => type === PaDataType.UNSPECIFIED)) throw malformed("padata.type", "required");
  if (padata.some(({ value }) => value.length === 0)) throw malformed("padata.value", "required");
  if (padata.length > 1 && new Set(padata.map(({ type }) => type)).size !== padata.length)
    throw malformed("padata", "a type is listed twice");
}
