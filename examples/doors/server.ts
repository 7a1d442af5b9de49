/** `tessera-sso/server`: a server whose methods need a ticket. */
import type * as grpc from "@grpc/grpc-js";
import { callerOf, guardedServer } from "tessera-sso/server";

/** Makes a server for the service whose keys are in a keytab. */
export function makeGuardedServer(keytab: string): grpc.Server {
  return guardedServer({ keytab, allow: { "greet.v1.GreetService": ["*@TEST.EXAMPLE"] } });
}

/** A handler: who calls comes from the ticket. */
export function greet(call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>): void {
  answer(null, Buffer.from(`hello, ${callerOf(call).principal}`));
}
