/**
 * A man in the middle: servers that pass every call on to a realm, and may change what passes.
 *
 *   await using middle = await standBetween(realm, { authenticate: async (request, pass) => pass(request) });
 *   const client = realm.client({ kdc: middle.kdc });
 */
import * as grpc from "@grpc/grpc-js";
import {
  ApplicationServiceClient,
  addApplicationService,
} from "../../src/gen/kerberos/v1/application_service_grpc.js";
import type { AccessRequest, AccessResponse } from "../../src/gen/kerberos/v1/application_service_pb.js";
import {
  AuthenticationServiceClient,
  addAuthenticationService,
} from "../../src/gen/kerberos/v1/authentication_service_grpc.js";
import type {
  AuthenticateRequest,
  AuthenticateResponse,
} from "../../src/gen/kerberos/v1/authentication_service_pb.js";
import {
  addTicketGrantingService,
  TicketGrantingServiceClient,
} from "../../src/gen/kerberos/v1/ticket_granting_service_grpc.js";
import type {
  GrantTicketRequest,
  GrantTicketResponse,
} from "../../src/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeServer } from "../../src/rpc/server-options.js";
import type { TestRealm } from "./realm.js";

/** Answers a request, with or without the realm's help. */
export type Middle<Request, Response> = (
  request: Request,
  pass: (request: Request) => Promise<Response>,
) => Promise<Response>;

/** What the man in the middle does; anything not named passes unchanged. */
export interface MiddleHandlers {
  readonly authenticate?: Middle<AuthenticateRequest, AuthenticateResponse>;
  readonly grantTicket?: Middle<GrantTicketRequest, GrantTicketResponse>;
  readonly access?: Middle<AccessRequest, AccessResponse>;
}

/** One server for all three services, between clients and a realm. */
export async function standBetween(realm: Pick<TestRealm, "kdc" | "v">, handlers: MiddleHandlers) {
  const insecure = grpc.credentials.createInsecure();
  const as = new AuthenticationServiceClient(realm.kdc.as, insecure);
  const tgs = new TicketGrantingServiceClient(realm.kdc.tgs, insecure);
  const v = new ApplicationServiceClient(realm.v.address, insecure);
  const server = makeServer();
  const pass =
    <Request, Response>(
      handler: Middle<Request, Response> | undefined,
      onwards: (request: Request) => Promise<Response>,
    ) =>
    (request: Request) =>
      handler === undefined ? onwards(request) : handler(request, onwards);
  addAuthenticationService(server, {
    authenticate: pass(handlers.authenticate, (request) => as.authenticate(request)),
  });
  addTicketGrantingService(server, {
    grantTicket: pass(handlers.grantTicket, (request) => tgs.grantTicket(request)),
  });
  addApplicationService(server, { access: pass(handlers.access, (request) => v.access(request)) });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const address = `127.0.0.1:${port}`;
  return {
    address,
    kdc: { as: address, tgs: address },
    v: { principal: realm.v.principal, address },
    async [Symbol.asyncDispose]() {
      for (const client of [as, tgs, v]) client.close();
      server.forceShutdown();
    },
  };
}
