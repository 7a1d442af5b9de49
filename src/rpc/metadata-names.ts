/** The metadata keys that both ends of a call must agree on. */

/** Request metadata: a serialized AP-REQ. */
export const AP_REQ_METADATA = "kerberos-ap-req-bin";

/** Request metadata: a serialized SessionCall, in place of an AP-REQ. */
export const CALL_METADATA = "kerberos-call-bin";

/** Initial response metadata, or a trailer where there is none: a serialized AP-REP. */
export const AP_REP_METADATA = "kerberos-ap-rep-bin";

/** Trailer: the service's proof of its answer to a call under a session. */
export const REPLY_METADATA = "kerberos-reply-bin";

/** Trailer: a serialized google.rpc.Status, the call's status with details. */
export const STATUS_DETAILS_METADATA = "grpc-status-details-bin";

/**
 * Metadata both ways: the identifier under which the log knows a call. Text, chosen by the caller, proves
 * nothing.
 */
export const CORRELATION_ID_METADATA = "x-correlation-id";
