/**
 * The door for Connect: `guardedNodeAdapter` before its handlers, and `ticketTransport` below its clients. It
 * needs `@connectrpc/connect` and `@connectrpc/connect-node`, which are installed beside this package.
 *
 * {@includeCode ../../examples/doors/connect.ts}
 * @module connect
 */
export type * from "../client/index.js";
export { CredentialCacheError } from "../client/index.js";
export type * from "../services/index.js";
export {
  KeytabError,
  KrbError,
  ListenError,
  PrivateFileError,
  ProtoFileError,
  ReadableError,
  RealmError,
  RpcError,
  SharedKeyError,
  StoreError,
} from "../services/index.js";
export { callerOf } from "./caller.js";
export { type GuardedAdapterOptions, guardedNodeAdapter, type NodeHandler } from "./node-adapter.js";
export { refusalOf } from "./refusal.js";
export { type TicketTransport, type TicketTransportOptions, ticketTransport } from "./transport.js";
