/**
 * Refusals: the error numbers of RFC 4120 §7.5.9 under their names, and the one error that crosses rooms.
 */
import { ReadableError } from "../errors/readable-error.js";
import type { EtypeInfo2 } from "../gen/kerberos/v1/kdc_pb.js";

/** The error codes of RFC 4120 §7.5.9 that this project uses, by name. */
export const KrbErrorCode = {
  KDC_ERR_NAME_EXP: 1,
  KDC_ERR_SERVICE_EXP: 2,
  KDC_ERR_C_PRINCIPAL_UNKNOWN: 6,
  KDC_ERR_S_PRINCIPAL_UNKNOWN: 7,
  KDC_ERR_CANNOT_POSTDATE: 10,
  KDC_ERR_NEVER_VALID: 11,
  KDC_ERR_POLICY: 12,
  KDC_ERR_BADOPTION: 13,
  KDC_ERR_ETYPE_NOSUPP: 14,
  KDC_ERR_CLIENT_REVOKED: 18,
  KDC_ERR_SERVICE_REVOKED: 19,
  KDC_ERR_TGT_REVOKED: 20,
  KDC_ERR_KEY_EXPIRED: 23,
  KDC_ERR_PREAUTH_FAILED: 24,
  KDC_ERR_PREAUTH_REQUIRED: 25,
  KDC_ERR_MUST_USE_USER2USER: 27,
  KDC_ERR_PATH_NOT_ACCEPTED: 28,
  KDC_ERR_SVC_UNAVAILABLE: 29,
  KRB_AP_ERR_BAD_INTEGRITY: 31,
  KRB_AP_ERR_TKT_EXPIRED: 32,
  KRB_AP_ERR_TKT_NYV: 33,
  KRB_AP_ERR_REPEAT: 34,
  KRB_AP_ERR_NOT_US: 35,
  KRB_AP_ERR_BADMATCH: 36,
  KRB_AP_ERR_SKEW: 37,
  KRB_AP_ERR_BADADDR: 38,
  KRB_AP_ERR_MODIFIED: 41,
  KRB_AP_ERR_BADORDER: 42,
  KRB_AP_ERR_BADKEYVER: 44,
  KRB_AP_ERR_NOKEY: 45,
  KRB_AP_ERR_MUT_FAIL: 46,
  KRB_AP_ERR_INAPP_CKSUM: 50,
  KRB_ERR_GENERIC: 60,
  KRB_ERR_FIELD_TOOLONG: 61,
  KDC_ERR_WRONG_REALM: 68,
  /** RFC 6113 §5.2: here, a guard asks for its challenge. */
  KDC_ERR_MORE_PREAUTH_DATA_REQUIRED: 91,
} as const;

/** The name of a refusal, as RFC 4120 writes it. */
export type KrbErrorName = keyof typeof KrbErrorCode;

/**
 * A refusal with RFC 4120's code: the only error that crosses rooms. It is thrown where the fault is found
 * and never renamed on the way. `details` says what was compared; it never holds keys, passwords or the
 * contents of tickets.
 */
export class KrbError extends ReadableError {
  override readonly name = "KrbError";
  /** The number of RFC 4120 §7.5.9. */
  readonly code: number;
  /** The RFC's name for that number. */
  readonly reason: KrbErrorName;
  /** What was compared: a few short texts. */
  readonly details: Readonly<Record<string, string>>;

  /**
   * In a refusal of pre-authentication: how the client makes its key (RFC 4120 §5.2.7.5). Not authenticated.
   */
  readonly etypeInfo: EtypeInfo2 | undefined;

  /** In KDC_ERR_MORE_PREAUTH_DATA_REQUIRED: a guard's challenge. Not authenticated. */
  readonly challenge: Uint8Array | undefined;

  constructor(
    reason: KrbErrorName,
    text: string,
    details: Readonly<Record<string, string>> = {},
    etypeInfo?: EtypeInfo2,
    challenge?: Uint8Array,
  ) {
    super(text);
    this.reason = reason;
    this.code = KrbErrorCode[reason];
    this.details = details;
    this.etypeInfo = etypeInfo;
    this.challenge = challenge;
  }

  override get text() {
    return `${this.message} (${this.reason}, ${this.code})`;
  }

  override get facts() {
    const { reason, code, details } = this;
    return { reason, code, ...(Object.keys(details).length > 0 && { compared: details }) };
  }
}

/** The refusal of a field that is missing or malformed: KRB_ERR_GENERIC. */
export function malformed(field: string, what: string): KrbError {
  return new KrbError("KRB_ERR_GENERIC", `${field}: ${what}`, { field });
}

/** The refusal of a field beyond its limit: KRB_ERR_FIELD_TOOLONG. */
export function tooLong(
  field: string,
  length: number,
  limit: number,
  what = `at most ${limit}, got ${length}`,
): KrbError {
  const details = { field, length: String(length), limit: String(limit) };
  return new KrbError("KRB_ERR_FIELD_TOOLONG", `${field}: ${what}`, details);
}
