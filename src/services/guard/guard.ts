/**
 * The guard: Kerberos for any gRPC service, in one line (guard.proto).
 *
 *   new Server({ interceptors: [guard({ keytab, replayCache })] })
 *
 * Every method of the server is guarded unless it is listed as public. The guard stands first in the list: interceptors
 * before it, nearer to the wire, run for every caller and see messages as the bytes that travel; those behind it and the
 * handlers see decoded messages of callers who proved themselves (`callerOf`).
 */
import type * as grpc from "@grpc/grpc-js";
import { identity } from "../../rpc/service-definition.js";
import { GuardedServerCall } from "./call.js";
import { type GuardOptions, readGuardOptions } from "./config.js";

/**
 * An interceptor that lets in who has a ticket.
 * @throws TypeError, RangeError for an option that is wrong.
 */
export function guard(options: GuardOptions): grpc.ServerInterceptor {
  const config = readGuardOptions(options);
  return (method, call) => {
    if (config.publicMethods.find(method.path) !== undefined) return call as grpc.ServerInterceptingCall;
    return new GuardedServerCall(config, method, call, takeBytes(call));
  };
}

// grpc-js 1.14 decodes messages in the innermost call, by its field `handler`, which the handlers of all calls of a
// method share: a copy of it, with the identity for a codec, makes this one call hand out the bytes that travelled. Where
// a later version moves the field, no call is let in, and the tests of this file fail.
interface InnermostCall {
  readonly nextCall?: InnermostCall;
  handler?: Handler;
}

interface Handler {
  readonly serialize: unknown;
  readonly deserialize: unknown;
}

/** The copies, by what they are copies of: one a method. */
const byteHandlers = new WeakMap<Handler, Handler>();

/** Why that can't be done; undefined when it is done. */
function takeBytes(call: grpc.ServerInterceptingCallInterface): Error | undefined {
  let innermost = call as unknown as InnermostCall;
  while (innermost.nextCall !== undefined) {
    if (innermost instanceof GuardedServerCall) return new TypeError("a server needs one guard, and has two");
    innermost = innermost.nextCall;
  }
  if (innermost.handler === undefined)
    return new TypeError("this version of grpc-js hides the bytes of calls");
  innermost.handler = byteHandlerOf(innermost.handler);
  return undefined;
}

function byteHandlerOf(handler: Handler): Handler {
  let copy = byteHandlers.get(handler);
  if (copy === undefined) {
    copy = { ...handler, serialize: identity, deserialize: identity };
    byteHandlers.set(handler, copy);
  }
  return copy;
}
