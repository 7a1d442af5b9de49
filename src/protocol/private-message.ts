/**
 * Sealed application data (RFC 4120 §3.5, KRB-PRIV): each direction has its own key and its own kind of
 * sealed part.
 */
import type { RandomSource } from "../crypto/encryption-type.js";
import { MessageKind } from "../gen/kerberos/v1/guard_pb.js";
import type { EncPrivPart } from "../gen/kerberos/v1/sealed_pb.js";
import { KeyUsage } from "./key-usage.js";
import type { Key } from "./keys.js";
import { KrbError, malformed } from "./krb-error.js";
import { sealToBytes, unsealDataFromBytes } from "./sealed-part.js";

/** A direction, with its kind of sealed part and its key usage. */
export interface Direction {
  readonly kind: "encRequestPart" | "encResponsePart";
  readonly usage: number;
  /** The name of the field, for refusals. */
  readonly field: string;
}

/** From client to service. */
export const TO_SERVICE: Direction = {
  kind: "encRequestPart",
  usage: KeyUsage.REQUEST_DATA,
  field: "request",
};
/** From service to client. */
export const TO_CLIENT: Direction = {
  kind: "encResponsePart",
  usage: KeyUsage.RESPONSE_DATA,
  field: "response",
};

/** Seals application data; the result is a serialized EncryptedData. */
export function sealData(
  key: Key,
  direction: Direction,
  seqNumber: number,
  userData: Uint8Array,
  random?: RandomSource,
): Uint8Array {
  const part: EncPrivPart = {
    $typeName: "kerberos.v1.EncPrivPart",
    userData,
    seqNumber,
    kind: MessageKind.UNSPECIFIED,
    call: 0n,
  };
  return sealToBytes({ key, usage: direction.usage }, direction.kind, part, random);
}

/**
 * Opens application data.
 * @throws KrbError KRB_ERR_GENERIC for bytes that are not an EncryptedData, or a part of a session;
 *   KRB_AP_ERR_BAD_INTEGRITY if the key does not open it; KRB_AP_ERR_BADORDER for another sequence number;
 *   KRB_AP_ERR_MODIFIED for an end marker or a renewal.
 */
export function openData(key: Key, direction: Direction, seqNumber: number, bytes: Uint8Array): Uint8Array {
  const sealing = { key, usage: direction.usage };
  const part = unsealDataFromBytes(sealing, direction.kind, bytes, direction.field, () =>
    badIntegrity(direction),
  );
  if (part.seqNumber !== seqNumber)
    throw new KrbError("KRB_AP_ERR_BADORDER", `${direction.field}: sequence number out of order`, {
      expected: String(seqNumber),
      got: String(part.seqNumber),
    });
  if (part.kind !== MessageKind.UNSPECIFIED)
    throw new KrbError("KRB_AP_ERR_MODIFIED", `${direction.field}: of a kind that streams alone have`, {
      field: direction.field,
    });
  if (part.call !== 0n) throw malformed(`${direction.field}.call`, "there is no session");
  return part.userData;
}

function badIntegrity({ field }: Direction): KrbError {
  return new KrbError("KRB_AP_ERR_BAD_INTEGRITY", `the ${field} can't be opened with the subkey`, {
    part: field,
  });
}
