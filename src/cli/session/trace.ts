/** TESSERA_TRACE: a line for each step of the client, without secrets: RPC, bytes, outcome, time taken. */
import { appendFileSync, writeSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { fromServiceError } from "../../rpc/status.js";

/** The interceptor that traces; none if TESSERA_TRACE is not set. */
export function traceInterceptors(target: string | undefined): grpc.Interceptor[] {
  if (target === undefined || target === "") return [];
  // Opened again, a redirected /dev/stderr would be overwritten from its beginning.
  const write = (line: string) =>
    target === "/dev/stderr" ? writeSync(2, line) : appendFileSync(target, line, { mode: 0o600 });
  return [tracing((line) => write(`${new Date().toISOString()} [${process.pid}] ${line}\n`))];
}

/** Writes a line when a call starts, and one when it ends. */
function tracing(write: (line: string) => void): grpc.Interceptor {
  return (options, nextCall) => {
    const path = options.method_definition.path;
    const began = performance.now();
    let received = 0;
    return new grpc.InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          // A refused call has no message: grpc-js then passes null.
          onReceiveMessage: (message: Buffer | null, nextMessage) => {
            received += message?.length ?? 0;
            nextMessage(message);
          },
          onReceiveStatus: (status, nextStatus) => {
            const ms = (performance.now() - began).toFixed(1);
            const outcome =
              status.code === grpc.status.OK ? `OK, ${received} bytes` : outcomeOf(fromServiceError(status));
            write(`${path} <- ${outcome}, ${ms} ms`);
            nextStatus(status);
          },
        }),
      sendMessage: (message: Buffer, next) => {
        write(`${path} -> ${message.length} bytes`);
        next(message);
      },
    });
  };
}

function outcomeOf(error: ReturnType<typeof fromServiceError>): string {
  return error.name === "KrbError" ? error.reason : `${error.codeName}: ${error.details}`;
}
