/** TESSERA_TRACE: a line for each step of the client, without secrets: RPC, bytes, outcome, time taken. */
import { closeSync, constants, openSync, writeSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { visible } from "../../errors/visible-text.js";
import { systemErrorText } from "../../files/system-error.js";
import { fromServiceError } from "../../rpc/status.js";

/**
 * The interceptor that traces; none if TESSERA_TRACE is not set.
 * @param onTrouble told, once, why the trace can't be written; the calls go on without it.
 */
export function traceInterceptors(
  target: string | undefined,
  onTrouble: (text: string) => void,
): grpc.Interceptor[] {
  if (target === undefined || target === "") return [];
  // Opened again, a redirected /dev/stderr would be overwritten from its beginning.
  const append = (line: string) => (target === "/dev/stderr" ? writeSync(2, line) : appendTo(target, line));
  let isWritable = true;
  const write = (line: string) => {
    if (!isWritable) return;
    try {
      append(`${new Date().toISOString()} [${process.pid}] ${line}\n`);
    } catch (error) {
      isWritable = false;
      onTrouble(`the trace ${target} can't be written: ${systemErrorText(error)}`);
    }
  };
  return [tracing(write)];
}

function appendTo(path: string, line: string): void {
  // O_NONBLOCK, because a named pipe would otherwise wait for its reader.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);
  const fd = openSync(path, flags, 0o600);
  try {
    writeSync(fd, line);
  } finally {
    closeSync(fd);
  }
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
  return visible(error.name === "KrbError" ? error.reason : `${error.codeName}: ${error.details}`);
}
