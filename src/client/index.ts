/** The client's door. */
export { ReadableError } from "../errors/readable-error.js";
export * from "../gen/kerberos/v1/operations_pb.js";
export type { Protection } from "../protocol/call-binding.js";
export type { Credentials } from "../protocol/credentials.js";
export { KrbError, KrbErrorCode, type KrbErrorName } from "../protocol/krb-error.js";
export { type Principal, parsePrincipal } from "../protocol/principal.js";
export { RpcError } from "../rpc/rpc-error.js";
export { type KdcAddresses, parseKdcAddresses } from "./addresses.js";
export { type ClientEtypes, profileEtypes } from "./client-etypes.js";
export { type CachedLogin, type CredentialCache, memoryCache } from "./credential-cache.js";
export { fileCache } from "./file-credential-cache.js";
export type { TicketInterceptorOptions } from "./guard/config.js";
export { ticketInterceptor } from "./guard/interceptor.js";
export type { ServiceProof, TicketSource } from "./guard/tickets.js";
export {
  KerberosClient,
  type KerberosClientOptions,
  type ServiceTarget,
  type TicketOptions,
} from "./kerberos-client.js";
export type { OperationTypes } from "./operation-answer.js";
