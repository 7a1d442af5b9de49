/** Whether a call's channel is one on which nobody else can read and write. */
import * as grpc from "@grpc/grpc-js";
import type { InnermostClientCall } from "../../rpc/grpc-js-internals.js";
import { isLoopbackTarget } from "../../rpc/network-address.js";
import { RpcError } from "../../rpc/rpc-error.js";

/**
 * Refuses a channel that others can read and write: plaintext to another machine, or to a proxy.
 * @throws RpcError FAILED_PRECONDITION that says why, and what to do.
 */
export function checkChannel(
  { authority, target, secure }: Pick<InnermostClientCall, "authority" | "target" | "secure">,
  allowInsecureChannel: boolean,
): void {
  if (secure || allowInsecureChannel || (target !== undefined && isLoopbackTarget(target))) return;
  throw new RpcError(
    grpc.status.FAILED_PRECONDITION,
    `the channel to ${target ?? `proxy for ${authority}`} is plaintext: whoever is on the way can read the call, ` +
      "and alter what its protection leaves open; use TLS, or insist with allowInsecureChannel",
  );
}
