/**
 * What the refusals of RFC 4120 §7.5.9 that one meets in the lab mean: which check failed, and what it is
 * for.
 */
import type { KrbErrorName } from "../../protocol/krb-error.js";

/** A sentence or two each. */
export const MEANINGS: Readonly<Partial<Record<KrbErrorName, string>>> = {
  KDC_ERR_C_PRINCIPAL_UNKNOWN:
    "The AS has no such client; on the wire it says the same as of a wrong password.",
  KDC_ERR_S_PRINCIPAL_UNKNOWN: "The KDC has no such server.",
  KDC_ERR_ETYPE_NOSUPP: "None of the encryption types that the client takes is one that the KDC gives.",
  KDC_ERR_NEVER_VALID: "The times that were asked for leave none in which the ticket would be good.",
  KDC_ERR_PREAUTH_FAILED:
    "The proof in the request does not open with the client's key: another password, or a changed byte. So " +
    "nobody gets a reply to guess at who does not know the password already.",
  KDC_ERR_PREAUTH_REQUIRED: "The request has no proof that the client knows its password.",
  KRB_AP_ERR_BAD_INTEGRITY:
    "What was sealed does not open: it was sealed under another key, or a bit of it is another one now. " +
    "The checksum inside the seal, or the HMAC over it, tells.",
  KRB_AP_ERR_BADMATCH:
    "Two parts of the message name different clients: the ticket must be the sender's own.",
  KRB_AP_ERR_MODIFIED:
    "What travelled in clear, or beside a seal, is not what its sender bound to it: a checksum, or a copy " +
    "under seal, differs.",
  KRB_AP_ERR_MUT_FAIL:
    "The service did not prove that it could open the ticket: whoever answered may be somebody else.",
  KRB_AP_ERR_NOT_US: "The ticket is for another server.",
  KRB_AP_ERR_REPEAT:
    "This authenticator was taken before. A server remembers each as long as its time would be good.",
  KRB_AP_ERR_SKEW:
    "The time in the authenticator is not the server's, give or take five minutes. So a server need not " +
    "remember older ones.",
  KRB_AP_ERR_TKT_EXPIRED: "The ticket has ended: whatever was stolen with it is worth nothing now.",
  KRB_AP_ERR_TKT_NYV: "The ticket begins later than now, by the clock of whoever looks.",
  KRB_ERR_GENERIC: "A field is missing, or is not what it must be: the message could not be read.",
};
