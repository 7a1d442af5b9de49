/**
 * The server's door: guard a service of one's own, or open a realm, administer it and run its servers.
 *
 * {@includeCode ../../examples/doors/server.ts}
 * @module server
 */

export type { CacheLoad } from "../collections/cache-load.js";
export { ReadableError, type ReadableErrorOptions } from "../errors/readable-error.js";
export { PrivateFileError, type PrivateFileErrorCode } from "../files/private-file-error.js";
export type { SkippedKeytabEntry } from "../formats/keytab.js";
export { KeytabError } from "../formats/keytab-error.js";
export { EncryptionType as EtypeNumber } from "../gen/kerberos/v1/encryption_pb.js";
export type { EtypeInfo2, EtypeInfo2_Entry } from "../gen/kerberos/v1/kdc_pb.js";
export { TicketFlag } from "../gen/kerberos/v1/sealed_pb.js";
export type { AttemptLimit, AttemptLimits } from "../protocol/attempt-limits.js";
export type { AuthorizationElement } from "../protocol/authorization-data.js";
export type { Protection } from "../protocol/call-binding.js";
export type { Credentials } from "../protocol/credentials.js";
export type { EncryptionType } from "../protocol/etypes.js";
export type { Key, LongTermKey, StringToKey } from "../protocol/keys.js";
export { KrbError, KrbErrorCode, type KrbErrorName } from "../protocol/krb-error.js";
export type { RealmPolicy } from "../protocol/policy.js";
export { type Principal, parsePrincipal } from "../protocol/principal.js";
export type { PrincipalEntry } from "../protocol/principal-entry.js";
export type { ProfileName } from "../protocol/profile.js";
export type { ServiceKeys } from "../protocol/ticket.js";
export { type AddedPrincipal, addPrincipals, type NewPrincipal } from "../realm/add-principals.js";
export { createMemoryRealm, createRealm, FIRST_SERVICE } from "../realm/create-realm.js";
export {
  exportKeys,
  exportNewKeys,
  type KeytabTarget,
  type OnSkipped,
  writeKeytab,
} from "../realm/keytab.js";
export { newMasterKey, type RollOver } from "../realm/new-master-key.js";
export { openRealm } from "../realm/open-realm.js";
export {
  addPasswordPrincipal,
  addRandomKeyPrincipal,
  changePassword,
  type NewPrincipalChoice,
  newKeyEtypes,
  type PasswordSource,
  purgeKeys,
} from "../realm/principal-keys.js";
export {
  deletePrincipal,
  existingPrincipal,
  listPrincipalNames,
  listPrincipals,
  localPrincipal,
  loginRecord,
  modifyPrincipal,
  type PrincipalLimits,
  unlockPrincipal,
} from "../realm/principals.js";
export { changeToRandomKeys, type RandomKeyChoice } from "../realm/random-keys.js";
export type { Realm } from "../realm/realm.js";
export { openRealmDirectory, type RealmDirectory } from "../realm/realm-directory.js";
export { RealmError, type RealmErrorReason } from "../realm/realm-error.js";
export { DEFAULT_SETTINGS, type RealmSettings } from "../realm/realm-settings.js";
export { type ProfileChange, setProfile } from "../realm/set-profile.js";
export type { ServerLimits } from "../rpc/entrance/limits.js";
export { ProtoFileError } from "../rpc/proto-files.js";
export { RpcError, type RpcErrorOptions } from "../rpc/rpc-error.js";
export type { Timer } from "../rpc/timer.js";
export { SharedKeyError } from "../shared-key/key-file.js";
export { type SharedKey, type SharedKeyOptions, sharedKey } from "../shared-key/shared-key.js";
export type { LoginAttempt, LoginAttempts, LoginRecord } from "../store/attempts/login-attempts.js";
export type { PrincipalStore } from "../store/principal-store.js";
export { MemoryReplayCache, type MemoryReplayCacheOptions } from "../store/replay/memory-replay-cache.js";
export { openReplayCache } from "../store/replay/open-replay-cache.js";
export type { ReplayCache } from "../store/replay/replay-cache.js";
export type { ReplayCacheSettings } from "../store/replay/replay-rules.js";
export { StoreError, type StoreErrorCode } from "../store/store-error.js";
export type { Clock } from "./clock.js";
export type { Log, LogLevel, LogRecord } from "./exchange-log.js";
export { type Caller, callerOf } from "./guard/caller.js";
export type { CallerRule, CallerRules } from "./guard/caller-rules.js";
export type { GuardOptions } from "./guard/config.js";
export { currentCaller } from "./guard/current-caller.js";
export { type GuardedServerOptions, guardedServer } from "./guard/guarded-server.js";
export { guard } from "./guard/interceptor.js";
export type { Keytab } from "./guard/keys.js";
export type { SessionOptions } from "./guard/sessions.js";
export { KeytabFile, type KeytabFileOptions } from "./keytab-file.js";
export { ListenError } from "./listen.js";
export type { FigureName } from "./metrics/catalogue.js";
export type {
  EndedExchange,
  Figure,
  GuardedCall,
  Look,
  Metrics,
  ReplayOutcome,
} from "./metrics/metrics.js";
export {
  type MetricsPage,
  type MetricsSnapshot,
  metricsPage,
  type PrometheusMetrics,
  type PrometheusOptions,
  prometheusMetrics,
} from "./metrics/prometheus.js";
export { type OwnServerHealth, serveHealth, serveReflection } from "./own-server.js";
export { type RunningRealm, runRealm } from "./run-realm.js";
export type { RunRealmOptions, ServerPart } from "./run-realm-options.js";
export type { RunningServer, ServerHealth } from "./server.js";
