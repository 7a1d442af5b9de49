/** `tessera-sso/server`: a server whose methods need a ticket. */
import * as grpc from "@grpc/grpc-js";
import { callerOf, guard, KeytabFile, openReplayCache } from "tessera-sso/server";

/** Makes a server for the service whose keys are in a keytab. Its replay cache outlives it, in a folder. */
export async function makeGuardedServer(keytabPath: string, replayDir: string): Promise<grpc.Server> {
  const keytab = await KeytabFile.open(keytabPath);
  const replayCache = await openReplayCache(`lmdb:${replayDir}`, { skew: 300_000, startedAt: Date.now() });
  const allow = { "greet.v1.GreetService": ["*@TEST.EXAMPLE"] };
  return new grpc.Server({ interceptors: [guard({ keytab, replayCache, allow })] });
}

/** A handler: who calls comes from the ticket. */
export function greet(call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>): void {
  answer(null, Buffer.from(`hello, ${callerOf(call).principal}`));
}
