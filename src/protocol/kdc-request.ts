/**
 * The fields that AS-REQ and TGS-REQ have in common (RFC 4120 §5.4.1), both halves: the client fills them in,
 * the KDC reads them.
 */
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { RandomSource } from "../crypto/encryption-type.js";
import type { EncryptionType as EtypeNumber } from "../gen/kerberos/v1/encryption_pb.js";
import { KdcOption, KdcOptionSchema } from "../gen/kerberos/v1/kdc_pb.js";
import { fromOptionalTimestamp, toTimestamp } from "./kerberos-time.js";
import { KrbError, malformed, tooLong } from "./krb-error.js";

/** The length of a request's nonce, in bytes. */
const NONCE_SIZE = 16;
/** The most encryption types that a request may list. */
export const MAX_ETYPES = 32;

/** What a client asks of the KDC besides the service. Times are milliseconds since the epoch. */
export interface TicketWish {
  /** The encryption types the client accepts, best first; it accepts no other in the reply. */
  readonly etypes: readonly number[];
  readonly till?: number | undefined;
  readonly renewTill?: number | undefined;
  readonly options?: readonly KdcOption[] | undefined;
}

/** The times a client asks for, in milliseconds since the epoch; undefined: whatever policy allows. */
export interface KdcTimes {
  readonly from: number | undefined;
  readonly till: number | undefined;
  readonly renewTill: number | undefined;
}

/** The fields a client filled in, read and within bounds. */
export interface KdcRequest {
  readonly times: KdcTimes;
  readonly options: readonly KdcOption[];
  readonly nonce: Uint8Array;
  readonly etypes: readonly EtypeNumber[];
}

/** Fills in the fields of a request, with a fresh nonce. */
export function kdcRequestFields(
  { etypes, till, renewTill, options = [] }: TicketWish,
  random: RandomSource,
): {
  nonce: Uint8Array;
  etypes: EtypeNumber[];
  options: KdcOption[];
  till?: Timestamp;
  renewTill?: Timestamp;
} {
  return {
    nonce: random(NONCE_SIZE),
    etypes: [...etypes],
    options: [...options],
    ...(till !== undefined && { till: toTimestamp(till) }),
    ...(renewTill !== undefined && { renewTill: toTimestamp(renewTill) }),
  };
}

/**
 * Reads the common fields of a request.
 * @param name of the message, for refusals.
 * @throws KrbError KRB_ERR_GENERIC for a missing or malformed field, KRB_ERR_FIELD_TOOLONG for too many
 *   encryption types, KDC_ERR_BADOPTION for an option this KDC does not have.
 */
export function readKdcRequest(
  message: {
    from?: Timestamp | undefined;
    till?: Timestamp | undefined;
    renewTill?: Timestamp | undefined;
    options: KdcOption[];
    nonce: Uint8Array;
    etypes: EtypeNumber[];
  },
  name: string,
): KdcRequest {
  const { nonce, etypes, options } = message;
  if (nonce.length !== NONCE_SIZE)
    throw malformed(`${name}.nonce`, `expected ${NONCE_SIZE} bytes, got ${nonce.length}`);
  if (etypes.length === 0) throw malformed(`${name}.etypes`, "at least one is required");
  if (etypes.length > MAX_ETYPES)
    throw tooLong(`${name}.etypes`, etypes.length, MAX_ETYPES, `at most ${MAX_ETYPES} are accepted`);
  const unknown = options.find((option) => option === KdcOption.UNSPECIFIED || !isOption(option));
  if (unknown !== undefined)
    throw new KrbError("KDC_ERR_BADOPTION", `option ${unknown} is not supported`, {
      option: String(unknown),
    });
  if (options.length > 1 && new Set(options).size !== options.length)
    throw malformed(`${name}.options`, "an option is listed twice");
  return {
    times: {
      from: fromOptionalTimestamp(message.from, `${name}.from`),
      till: fromOptionalTimestamp(message.till, `${name}.till`),
      renewTill: fromOptionalTimestamp(message.renewTill, `${name}.renew_till`),
    },
    options,
    nonce,
    etypes,
  };
}

function isOption(option: number): boolean {
  return KdcOptionSchema.values.some(({ number }) => number === option);
}
