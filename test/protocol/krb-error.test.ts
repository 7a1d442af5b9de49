import { describe, expect, test } from "vitest";
import { KrbError, KrbErrorCode, malformed, tooLong } from "../../src/protocol/krb-error.js";

describe("a refusal", () => {
  test("carries the RFC's name and number, a text and what was compared", () => {
    const refusal = new KrbError("KRB_AP_ERR_SKEW", "clock skew too great", { offset_ms: "1" });
    expect(refusal).toBeInstanceOf(Error);
    expect(refusal.name).toBe("KrbError");
    expect(refusal.reason).toBe("KRB_AP_ERR_SKEW");
    expect(refusal.code).toBe(37);
    expect(refusal.message).toBe("clock skew too great");
    expect(refusal.details).toEqual({ offset_ms: "1" });
    expect(refusal.etypeInfo).toBeUndefined();
  });

  test("needs no details", () => {
    expect(new KrbError("KDC_ERR_POLICY", "no").details).toEqual({});
  });
});

test("the codes are RFC 4120's", () => {
  // §7.5.9, copied by hand from the RFC and not from the source.
  expect(KrbErrorCode).toEqual({
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
    // RFC 6113, §6.
    KDC_ERR_MORE_PREAUTH_DATA_REQUIRED: 91,
  });
});

test("a malformed field and one that is too long are refused by name", () => {
  expect(malformed("body.nonce", "required")).toMatchObject({
    reason: "KRB_ERR_GENERIC",
    message: "body.nonce: required",
    details: { field: "body.nonce" },
  });
  expect(tooLong("name", 9, 8)).toMatchObject({
    reason: "KRB_ERR_FIELD_TOOLONG",
    message: "name: at most 8, got 9",
    details: { field: "name", length: "9", limit: "8" },
  });
  expect(tooLong("name", 9, 8, "at most 8 bytes").message).toBe("name: at most 8 bytes");
});
