// Honest calls of what is attacked, each with a proof of its own, and the same as bytes for an attacker.
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
import { ticketInterceptor } from "../../dist/client/index.js";
import { ApplicationServiceClient } from "../../dist/gen/kerberos/v1/application_service_grpc.js";
import { AccessRequestSchema } from "../../dist/gen/kerberos/v1/application_service_pb.js";
import { AuthenticationServiceClient } from "../../dist/gen/kerberos/v1/authentication_service_grpc.js";
import { AuthenticateRequestSchema } from "../../dist/gen/kerberos/v1/authentication_service_pb.js";
import { WhoAmIRequestSchema } from "../../dist/gen/kerberos/v1/operations_pb.js";
import { TicketGrantingServiceClient } from "../../dist/gen/kerberos/v1/ticket_granting_service_grpc.js";
import { GrantTicketRequestSchema } from "../../dist/gen/kerberos/v1/ticket_granting_service_pb.js";
import { makeAccessReq } from "../../dist/protocol/access-exchange.js";
import { makeAsReq, openAsRep } from "../../dist/protocol/as-exchange.js";
import { etypeOf } from "../../dist/protocol/etypes.js";
import { Key } from "../../dist/protocol/keys.js";
import { makeTgsReq, openTgsRep } from "../../dist/protocol/tgs-exchange.js";
import { CLIENT, SERVICE } from "../exchange/realm.mjs";
import { CALL } from "../guard/method.mjs";
import { credentialsOf, SERVICE as ORDERS } from "../guard/ticket.mjs";

/** How long an honest client waits, in milliseconds. */
const PATIENCE_MS = 2_000;

/** The calls of each target: `call` makes one; `path` and `request` say the same of one for an attacker. */
export async function callersOf({ AS, TGS, V, guarded, client, issued }, etype) {
  const insecure = grpc.credentials.createInsecure();
  const own = { timeoutMs: PATIENCE_MS, channelOptions: { "grpc.use_local_subchannel_pool": 1 } };
  const key = new Key(etypeOf(etype), Buffer.from(client, "hex"));
  const wish = { etypes: [etype] };
  const as = new AuthenticationServiceClient(AS, insecure, own);
  const tgs = new TicketGrantingServiceClient(TGS, insecure, own);
  const v = new ApplicationServiceClient(V, insecure, own);
  const asReq = () => makeAsReq(CLIENT, wish, key, Date.now());
  const first = asReq();
  const tgt = openAsRep(await as.authenticate(first), first, key, Date.now()).credentials;
  const tgsReq = () => makeTgsReq(tgt, SERVICE, wish, Date.now());
  const second = tgsReq();
  const ticket = openTgsRep(await tgs.grantTicket(second.request), second.pending, Date.now()).credentials;
  const whoAmI = toBinary(AnySchema, anyPack(WhoAmIRequestSchema, create(WhoAmIRequestSchema)));
  const access = () => makeAccessReq(ticket, whoAmI, Date.now()).request;
  const credentials = credentialsOf(issued);
  const tickets = { serviceProof: async () => ({ credentials, clock: Date.now }) };
  const orders = new grpc.Client(guarded.replace("127.0.0.1", "localhost"), insecure, {
    ...own.channelOptions,
    interceptors: [ticketInterceptor(tickets, ORDERS)],
  });
  const order = () =>
    new Promise((resolve, reject) =>
      orders.makeUnaryRequest(
        CALL.path,
        CALL.requestSerialize,
        CALL.responseDeserialize,
        Buffer.alloc(256),
        { deadline: Date.now() + PATIENCE_MS },
        (error, answer) => (error ? reject(error) : resolve(answer)),
      ),
    );
  const bytes = (schema, message) => Buffer.from(toBinary(schema, message));
  return {
    AS: {
      call: () => as.authenticate(asReq()),
      path: "/kerberos.v1.AuthenticationService/Authenticate",
      request: () => bytes(AuthenticateRequestSchema, asReq()),
    },
    TGS: {
      call: () => tgs.grantTicket(tgsReq().request),
      path: "/kerberos.v1.TicketGrantingService/GrantTicket",
      request: () => bytes(GrantTicketRequestSchema, tgsReq().request),
    },
    V: {
      call: () => v.access(access()),
      path: "/kerberos.v1.ApplicationService/Access",
      request: () => bytes(AccessRequestSchema, access()),
    },
    guarded: { call: order, path: CALL.path, request: () => Buffer.alloc(256) },
  };
}
