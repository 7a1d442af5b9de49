/** Who is calling, for handlers of Connect. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import type * as grpc from "@grpc/grpc-js";
import { type Caller, callerOf as callerOfCall } from "../services/guard/caller.js";

/** The call's own metadata: by it the guard's caller is found, whom a renewal of the stream puts anew. */
const CALL = createContextKey<{ readonly metadata: grpc.Metadata } | undefined>(undefined, {
  description: "caller",
});

/**
 * Who is calling, for the handler of a guarded method and Connect's interceptors.
 * @param context what a handler is given, or an interceptor's request.
 * @throws TypeError where no guard let the call through: its method is public, or the server has no guard.
 */
export function callerOf(
  context: { readonly values: ContextValues } | { readonly contextValues: ContextValues },
): Caller {
  const values = "values" in context ? context.values : context.contextValues;
  const call = values.get(CALL);
  if (call !== undefined) return callerOfCall(call);
  throw new TypeError(
    "callerOf: the call has no caller: its method is public, or the server has no guardedNodeAdapter()",
  );
}

/** Makes `callerOf` find the caller of a call that the guard has let in. For the guard alone. */
export function setCall(values: ContextValues, metadata: grpc.Metadata): void {
  values.set(CALL, { metadata });
}
