/**
 * The client's door: log in, call V under seal, and put tickets on the calls of any grpc-js client.
 *
 * {@includeCode ../../examples/doors/client.ts}
 * @module client
 */
export { ReadableError, type ReadableErrorOptions } from "../errors/readable-error.js";
export { PrivateFileError, type PrivateFileErrorCode } from "../files/private-file-error.js";
export type { KeytabEntry, SkippedKeytabEntry } from "../formats/keytab.js";
export { KeytabError } from "../formats/keytab-error.js";
export { EncryptionType as EtypeNumber } from "../gen/kerberos/v1/encryption_pb.js";
export type { EtypeInfo2, EtypeInfo2_Entry } from "../gen/kerberos/v1/kdc_pb.js";
export * from "../gen/kerberos/v1/operations_pb.js";
export { TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";
export type { Protection } from "../protocol/call-binding.js";
export type { Credentials } from "../protocol/credentials.js";
export type { EncryptionType } from "../protocol/etypes.js";
export type { Key, LongTermKey, StringToKey } from "../protocol/keys.js";
export { KrbError, KrbErrorCode, type KrbErrorName } from "../protocol/krb-error.js";
export { type Principal, parsePrincipal } from "../protocol/principal.js";
export type { ProfileName } from "../protocol/profile.js";
export type { ServiceKeys } from "../protocol/ticket.js";
export {
  type InterceptedMethod,
  type InterceptedService,
  interceptedChannel,
} from "../rpc/intercepted-channel.js";
export { RpcError, type RpcErrorOptions } from "../rpc/rpc-error.js";
export type { Timer } from "../rpc/timer.js";
export type { CallOptions, Transport, TransportOptions } from "../rpc/transport.js";
export { SharedKeyError } from "../shared-key/key-file.js";
export { type SharedKey, type SharedKeyOptions, sharedKey } from "../shared-key/shared-key.js";
export { type AdviceMemory, adviceFile } from "./advice-file.js";
export { type ClientEtypes, type KeyGuess, profileEtypes } from "./client-etypes.js";
export { type CachedLogin, type CredentialCache, memoryCache } from "./credential-cache.js";
export { CredentialCacheError, fileCache } from "./file-credential-cache.js";
export type { TicketInterceptorOptions } from "./guard/config.js";
export { ticketInterceptor } from "./guard/interceptor.js";
export type { ServiceProof, TicketSource } from "./guard/tickets.js";
export { type KdcAddresses, type KdcHalf, parseKdcAddresses, parseKdcList } from "./kdc/addresses.js";
export { type DnsLookupOptions, type KdcLookup, kdcsByDns, type SrvResolver } from "./kdc/dns-lookup.js";
export type { KdcSource } from "./kdc/exchanges.js";
export { type KdcFailure, NoKdcError } from "./kdc/no-kdc-error.js";
export type { SrvRecord } from "./kdc/srv-order.js";
export { KerberosClient } from "./kerberos-client.js";
export type { KerberosClientOptions, ServiceTarget, TicketOptions } from "./kerberos-client-options.js";
export { type KeytabKeys, readKeytab, readKeytabKeys } from "./keytab.js";
export type { OperationTypes } from "./operation-answer.js";
export type {
  CallEvent,
  EndEvent,
  MessageEvent,
  ProofEvent,
  TraceEvent,
  TraceSink,
} from "./trace/trace-event.js";
