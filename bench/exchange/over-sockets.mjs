// Requests over sockets: the server's CPU for each, beside an empty grpc-js call of the same sizes in the
// same run.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { create, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import * as grpc from "@grpc/grpc-js";
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
import { CLIENT, SERVICE } from "./realm.mjs";

const identity = (bytes) => bytes;

/** Starts the measured process and logs in to it. */
export async function startMeasured(etype) {
  const child = fork(fileURLToPath(new URL("server.mjs", import.meta.url)), [String(etype)]);
  const answer = () => new Promise((resolve) => child.once("message", resolve));
  const ready = await answer();
  const cpu = async () => {
    child.send("cpu");
    return (await answer()).cpu;
  };
  const profile = async (run) => {
    child.send("profile");
    await answer();
    await run();
    child.send("profiled");
    return (await answer()).times;
  };
  const key = new Key(etypeOf(etype), Buffer.from(ready.client, "hex"));
  const wish = { etypes: [etype] };
  const insecure = grpc.credentials.createInsecure();
  const asClient = new AuthenticationServiceClient(ready.as, insecure);
  const tgsClient = new TicketGrantingServiceClient(ready.tgs, insecure);
  const asReq = makeAsReq(CLIENT, wish, key, Date.now());
  const tgt = openAsRep(await asClient.authenticate(asReq), asReq, key, Date.now()).credentials;
  const tgsReq = makeTgsReq(tgt, SERVICE, wish, Date.now());
  const reply = await tgsClient.grantTicket(tgsReq.request);
  const ticket = openTgsRep(reply, tgsReq.pending, Date.now()).credentials;
  asClient.close();
  tgsClient.close();
  const whoAmI = toBinary(AnySchema, anyPack(WhoAmIRequestSchema, create(WhoAmIRequestSchema)));
  const bytes = (schema, message) => Buffer.from(toBinary(schema, message));
  const kinds = {
    AS: {
      address: ready.as,
      path: "/kerberos.v1.AuthenticationService/Authenticate",
      make: () => bytes(AuthenticateRequestSchema, makeAsReq(CLIENT, wish, key, Date.now())),
    },
    TGS: {
      address: ready.tgs,
      path: "/kerberos.v1.TicketGrantingService/GrantTicket",
      make: () => bytes(GrantTicketRequestSchema, makeTgsReq(tgt, SERVICE, wish, Date.now()).request),
    },
    V: {
      address: ready.v,
      path: "/kerberos.v1.ApplicationService/Access",
      make: () => bytes(AccessRequestSchema, makeAccessReq(ticket, whoAmI, Date.now()).request),
    },
  };
  return { kinds, empty: ready.empty, cpu, profile, end: () => child.send("end") };
}

/** Clients on `connections` connections of their own. */
export function connect(address, connections) {
  return Array.from(
    { length: connections },
    () =>
      new grpc.Client(address, grpc.credentials.createInsecure(), {
        "grpc.use_local_subchannel_pool": 1,
        "grpc.enable_retries": 0,
      }),
  );
}

/** Sends all requests, `inFlight` at a time over the clients, and returns the size of the last answer. */
export async function sendAll(clients, path, requests, inFlight) {
  let next = 0;
  let size = 0;
  const worker = async (client) => {
    while (next < requests.length) {
      const request = requests[next++];
      size = await new Promise((resolve, reject) =>
        client.makeUnaryRequest(path, identity, identity, request, (error, answer) =>
          error ? reject(error) : resolve(answer.length),
        ),
      );
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, i) => worker(clients[i % clients.length])));
  return size;
}
