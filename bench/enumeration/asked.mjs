// The two ways in which the AS is asked: over a socket, as an attacker does, and in this process, where a
// hundredth of the difference shows.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import * as grpc from "@grpc/grpc-js";
import { AuthenticateRequestSchema } from "../../dist/gen/kerberos/v1/authentication_service_pb.js";
import { toStatus } from "../../dist/rpc/status.js";
import { authenticationService } from "../../dist/services/as.js";
import { makeRealm } from "./realm.mjs";

const AUTHENTICATE = "/kerberos.v1.AuthenticationService/Authenticate";

/** Over a socket. `ask` sends a request and gives the code of its refusal. */
export async function overSockets(principals, limits, database) {
  const server = fork(fileURLToPath(new URL("./server.mjs", import.meta.url)), [
    String(principals),
    limits,
    database,
  ]);
  const [{ as }] = await once(server, "message");
  const client = new grpc.Client(as, grpc.credentials.createInsecure());
  const identity = (bytes) => bytes;
  const ask = (request) =>
    new Promise((resolve) => {
      client.makeUnaryRequest(AUTHENTICATE, identity, identity, request, (error) =>
        resolve(error?.code ?? 0),
      );
    });
  const close = async () => {
    client.close();
    server.send("end");
    await once(server, "exit");
  };
  return { ask, close };
}

/** In this process, from the request's bytes to the refusal's. */
export async function inProcess(principals, limits, database) {
  const { realm, close } = await makeRealm(principals, limits, database);
  realm.principals.follow();
  const service = authenticationService({
    principals: realm.principals,
    attempts: await realm.attempts(),
    policy: realm.policy,
    clock: Date.now,
    log: (record) => void JSON.stringify(record),
  });
  const ask = async (request) => {
    const [metadata, headers, trailers] = [new grpc.Metadata(), new grpc.Metadata(), new grpc.Metadata()];
    const context = { metadata, headers, trailers, peer: "127.0.0.1:1" };
    try {
      await service.authenticate(fromBinary(AuthenticateRequestSchema, request), context);
      return 0;
    } catch (error) {
      return toStatus(error).code;
    }
  };
  return { ask, close };
}

/** The bytes of a request. */
export function bytesOf(message) {
  return Buffer.from(toBinary(AuthenticateRequestSchema, message));
}
