/** Who is calling, for handlers of Connect. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import type { Caller } from "../services/guard/caller.js";

const CALLER = createContextKey<Caller | undefined>(undefined, { description: "caller" });

/**
 * Who is calling, for the handler of a guarded method and Connect's interceptors.
 * @param context what a handler is given, or an interceptor's request.
 * @throws TypeError where no guard let the call through: its method is public, or the server has no guard.
 */
export function callerOf(
  context: { readonly values: ContextValues } | { readonly contextValues: ContextValues },
): Caller {
  const values = "values" in context ? context.values : context.contextValues;
  const caller = values.get(CALLER);
  if (caller !== undefined) return caller;
  throw new TypeError(
    "callerOf: the call has no caller: its method is public, or the server has no guardedNodeAdapter()",
  );
}

/** Makes `callerOf` find the caller. For the guard alone. */
export function setCaller(values: ContextValues, caller: Caller): void {
  values.set(CALLER, caller);
}
