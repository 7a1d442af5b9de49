/** Keeps what travelled: the very bytes of each call, as the innermost interceptor of a client sees them. */
import * as grpc from "@grpc/grpc-js";
import type { KrbError } from "../protocol/krb-error.js";
import type { RpcError } from "../rpc/rpc-error.js";
import { fromServiceError } from "../rpc/status.js";

/** A call as it was on the wire. Times are milliseconds since the epoch. */
export interface CapturedCall {
  /** `/kerberos.v1.AuthenticationService/Authenticate` */
  readonly path: string;
  readonly sentAt: number;
  readonly request: Uint8Array;
  /** Undefined if the call was refused. */
  readonly response: Uint8Array | undefined;
  readonly receivedAt: number;
  /** Why the call was refused; undefined if it was answered. */
  readonly refusal: KrbError | RpcError | undefined;
}

/**
 * An interceptor and the list that it fills: a call joins the list when it has ended.
 * @param clock the time, in milliseconds since the epoch.
 */
export function captureCalls(clock: () => number = Date.now): {
  interceptor: grpc.Interceptor;
  calls: CapturedCall[];
} {
  const calls: CapturedCall[] = [];
  const interceptor: grpc.Interceptor = (options, nextCall) => {
    let request = new Uint8Array();
    let response: Uint8Array | undefined;
    let sentAt = 0;
    return new grpc.InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, {
          // A refused call ends with no message: grpc-js then gives null.
          onReceiveMessage: (message: Buffer | null, nextMessage) => {
            if (message !== null) response = Uint8Array.from(message);
            nextMessage(message);
          },
          onReceiveStatus: (status, nextStatus) => {
            const path = options.method_definition.path;
            const refusal = status.code === grpc.status.OK ? undefined : fromServiceError(asError(status));
            calls.push({ path, sentAt, request, response, receivedAt: clock(), refusal });
            nextStatus(status);
          },
        }),
      sendMessage: (message: Buffer, next) => {
        request = Uint8Array.from(message);
        sentAt = clock();
        next(message);
      },
    });
  };
  return { interceptor, calls };
}

/** A status as grpc-js hands it to a caller. */
function asError(status: grpc.StatusObject): grpc.ServiceError {
  return Object.assign(new Error(status.details), status);
}
