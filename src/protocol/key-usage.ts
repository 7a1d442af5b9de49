/**
 * Key usage numbers (RFC 4120 §7.5.1), which keep the uses of one key apart if its encryption type derives
 * keys.
 */

/** The key usages of this project. Those from 1024 upwards are an application's own (RFC 4120 §7.5.1). */
export const KeyUsage = {
  /** PA-ENC-TIMESTAMP, under the client's long-term key. */
  PA_ENC_TIMESTAMP: 1,
  /** A ticket, under the service's long-term key. */
  TICKET: 2,
  /** The sealed part of an AS-REP, under the client's long-term key. */
  AS_REP: 3,
  /** Checksum over the body of a TGS-REQ, in the authenticator, under the TGT's session key. */
  TGS_REQ_CHECKSUM: 6,
  /** The authenticator of a TGS-REQ, under the TGT's session key. */
  TGS_REQ_AUTHENTICATOR: 7,
  /** The sealed part of a TGS-REP, under the TGT's session key. */
  TGS_REP_SESSION_KEY: 8,
  /** The sealed part of a TGS-REP, under the authenticator's subkey. */
  TGS_REP_SUBKEY: 9,
  /** Checksum in the authenticator of an AP-REQ, under the ticket's session key. */
  AP_REQ_CHECKSUM: 10,
  /** The authenticator of an AP-REQ, under the ticket's session key. */
  AP_REQ_AUTHENTICATOR: 11,
  /** The sealed part of an AP-REP, under the ticket's session key. */
  AP_REP: 12,
  /** Application data from client to service, under the authenticator's subkey. */
  REQUEST_DATA: 1024,
  /** Application data from service to client, under the service's subkey. */
  RESPONSE_DATA: 1025,
  /** Checksum over a message of a guarded call from client to service, under the authenticator's subkey. */
  REQUEST_MESSAGE_CHECKSUM: 1026,
  /** Checksum over a message of a guarded call from service to client, under the service's subkey. */
  RESPONSE_MESSAGE_CHECKSUM: 1027,
} as const;
