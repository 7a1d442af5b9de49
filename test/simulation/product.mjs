/** What the simulation runs: the modules of a build, which may have a bug planted in it. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const MODULES = {
  client: ["client/kerberos-client.js", "KerberosClient"],
  interceptor: ["client/guard/interceptor.js", "ticketInterceptor"],
  transport: ["rpc/grpc-transport.js", "GrpcTransport"],
  krbError: ["protocol/krb-error.js", "KrbError"],
  randomKeys: ["protocol/new-principal.js", "randomKeyPrincipal"],
  passwordKeys: ["protocol/new-principal.js", "passwordPrincipal"],
  makeAsReq: ["protocol/as-exchange.js", "makeAsReq"],
  makeTgsReq: ["protocol/tgs-exchange.js", "makeTgsReq"],
  makeAccessReq: ["protocol/access-exchange.js", "makeAccessReq"],
  policyOf: ["realm/realm-settings.js", "policyOf"],
  defaultSettings: ["realm/realm-settings.js", "DEFAULT_SETTINGS"],
  changePassword: ["realm/principal-keys.js", "changePassword"],
  changeToRandomKeys: ["realm/random-keys.js", "changeToRandomKeys"],
  modifyPrincipal: ["realm/principals.js", "modifyPrincipal"],
  PrincipalStore: ["store/principal-store.js", "PrincipalStore"],
  NotesStore: ["store/notes-store.js", "NotesStore"],
  StoreReplayCache: ["store/replay/store-replay-cache.js", "StoreReplayCache"],
  LoginAttempts: ["store/attempts/login-attempts.js", "LoginAttempts"],
  Key: ["protocol/keys.js", "Key"],
  MasterKey: ["store/master-key.js", "MasterKey"],
  StoreError: ["store/store-error.js", "StoreError"],
  authenticationService: ["services/as.js", "authenticationService"],
  ticketGrantingService: ["services/tgs.js", "ticketGrantingService"],
  applicationService: ["services/v.js", "applicationService"],
  AuthenticationServiceClient: [
    "gen/kerberos/v1/authentication_service_grpc.js",
    "AuthenticationServiceClient",
  ],
  TicketGrantingServiceClient: [
    "gen/kerberos/v1/ticket_granting_service_grpc.js",
    "TicketGrantingServiceClient",
  ],
  addAuthenticationService: ["gen/kerberos/v1/authentication_service_grpc.js", "addAuthenticationService"],
  addTicketGrantingService: ["gen/kerberos/v1/ticket_granting_service_grpc.js", "addTicketGrantingService"],
  addApplicationService: ["gen/kerberos/v1/application_service_grpc.js", "addApplicationService"],
  ApplicationServiceClient: ["gen/kerberos/v1/application_service_grpc.js", "ApplicationServiceClient"],
  guard: ["services/guard/interceptor.js", "guard"],
  callerOf: ["services/guard/caller.js", "callerOf"],
  operations: ["gen/kerberos/v1/operations_pb.js"],
};

/** Loads a build. @param dist its folder. */
export async function loadProduct(dist) {
  const loaded = {};
  for (const [name, [file, exported]] of Object.entries(MODULES)) {
    const module = await import(pathToFileURL(resolve(dist, file)).href);
    loaded[name] = exported === undefined ? module : module[exported];
    if (loaded[name] === undefined) throw new TypeError(`${file}: no ${exported}`);
  }
  return loaded;
}
