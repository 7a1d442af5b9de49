/** The three servers of a realm, each by itself; run-realm.ts runs them together. */
import type * as grpc from "@grpc/grpc-js";
import { addApplicationService } from "../gen/kerberos/v1/application_service_grpc.js";
import { ApplicationService } from "../gen/kerberos/v1/application_service_pb.js";
import { addAuthenticationService } from "../gen/kerberos/v1/authentication_service_grpc.js";
import { AuthenticationService } from "../gen/kerberos/v1/authentication_service_pb.js";
import { addTicketGrantingService } from "../gen/kerberos/v1/ticket_granting_service_grpc.js";
import { TicketGrantingService } from "../gen/kerberos/v1/ticket_granting_service_pb.js";
import type { Entrance } from "../rpc/entrance/entrance.js";
import { authenticationService } from "./as.js";
import { type AsConfig, type KdcConfig, krbtgtEntry } from "./kdc.js";
import { checkWeakCrypto } from "./listen.js";
import { type RunningServer, startServer } from "./server.js";
import { ticketGrantingService } from "./tgs.js";
import { applicationService, type VConfig } from "./v.js";

/** Where a server listens, and how. */
export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** For TLS; plaintext if absent. */
  readonly credentials?: grpc.ServerCredentials | undefined;
  /** Lets a server that permits weak encryption types listen beyond loopback. */
  readonly allowWeakCrypto?: boolean | undefined;
  /** What stands before it, and before others perhaps; by default one of its own, with the usual limits. */
  readonly entrance?: Entrance | undefined;
}

/**
 * Starts the AS.
 * @throws ListenError; KrbError KDC_ERR_SVC_UNAVAILABLE if the database lacks the realm's TGS.
 */
export async function startAs(config: AsConfig, listen: ListenOptions): Promise<RunningServer> {
  checkWeakCrypto(listen.host, config.policy.permittedEtypes, listen.allowWeakCrypto ?? false);
  await krbtgtEntry(config.policy, (name) => config.principals.get(name));
  return startServer({
    ...listen,
    service: AuthenticationService,
    add: (server, options) => addAuthenticationService(server, authenticationService(config), options),
    log: config.log,
  });
}

/** Starts the TGS. Throws as `startAs`. */
export async function startTgs(config: KdcConfig, listen: ListenOptions): Promise<RunningServer> {
  checkWeakCrypto(listen.host, config.policy.permittedEtypes, listen.allowWeakCrypto ?? false);
  await krbtgtEntry(config.policy, (name) => config.principals.get(name));
  return startServer({
    ...listen,
    service: TicketGrantingService,
    add: (server, options) => addTicketGrantingService(server, ticketGrantingService(config), options),
    log: config.log,
  });
}

/** Starts V. Throws ListenError. */
export async function startV(config: VConfig, listen: ListenOptions): Promise<RunningServer> {
  checkWeakCrypto(listen.host, config.permittedEtypes, listen.allowWeakCrypto ?? false);
  return startServer({
    ...listen,
    service: ApplicationService,
    add: (server, options) => addApplicationService(server, applicationService(config), options),
    log: config.log,
  });
}
