/** The server: health, and the TGS of tgs.ts. Done for you; the exercise is tgs.ts. */
import { create, type DescMethod, fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import {
  Health,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "./gen/grpc/health/v1/health_pb.js";
import {
  type GrantTicketRequest,
  TicketGrantingService,
} from "./gen/kerberos/v1/ticket_granting_service_pb.js";
import { readRealm } from "./realm.js";
import { statusOf } from "./refusal.js";
import { TicketGrantingServer } from "./tgs.js";

const tgs = new TicketGrantingServer(readRealm(process.env));
const server = new grpc.Server({ "grpc.max_receive_message_length": 16 * 1024 });

server.addService(
  { check: unary(Health.method.check) },
  {
    check(_call: unknown, callback: grpc.sendUnaryData<object>) {
      callback(null, create(HealthCheckResponseSchema, { status: ServingStatus.SERVING }));
    },
  },
);

server.addService(
  { grantTicket: unary(TicketGrantingService.method.grantTicket) },
  {
    grantTicket(call: { request: GrantTicketRequest }, callback: grpc.sendUnaryData<object>) {
      try {
        callback(null, tgs.grantTicket(call.request, Date.now()));
      } catch (error) {
        callback(statusOf(error));
      }
    },
  },
);

server.bindAsync(
  `127.0.0.1:${process.env.EXERCISE_PORT}`,
  grpc.ServerCredentials.createInsecure(),
  (error, port) => {
    if (error) throw error;
    console.log(`listening on port ${port}`);
  },
);

/** A unary method as grpc-js wants it. */
function unary({ parent, name, input, output }: DescMethod): grpc.MethodDefinition<object, object> {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message) => Buffer.from(toBinary(input, message as never)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, message as never)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}
