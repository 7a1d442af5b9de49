/**
 * The door for other people's tests: a realm that runs, with a clock to turn, a guarded service whose faults
 * the test makes, and the types and errors of both other doors.
 *
 * {@includeCode ../../examples/doors/testing.ts}
 * @module testing
 */
export type * from "../client/index.js";
export { CredentialCacheError } from "../client/index.js";
export type { TicketContents } from "../protocol/ticket.js";
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
export type { CapturedCall, ReplayAnswer } from "./captured-call.js";
export { createGuardedService, type GuardedService, type GuardedServiceOptions } from "./guarded-service.js";
export { createTestRealm, type TestRealm, type TestRealmOptions } from "./test-realm.js";
export type { ForgedTicket, TicketChanges, TicketForge } from "./ticket-forge.js";
