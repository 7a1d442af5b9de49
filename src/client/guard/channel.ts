/** Whether a call's channel is one on which nobody else can read and write. */
import * as grpc from "@grpc/grpc-js";
import type { InnermostClientCall } from "../../rpc/grpc-js-internals.js";
import { httpProxyFor } from "../../rpc/http-proxy.js";
import { isLoopbackTarget } from "../../rpc/network-address.js";
import { RpcError } from "../../rpc/rpc-error.js";

type WayOfCall = Pick<InnermostClientCall, "authority" | "target" | "behindProxy" | "secure">;

/** Whether nobody else can read and write a channel: TLS, or this machine. */
export function isPrivate({ target, secure }: Pick<WayOfCall, "target" | "secure">): boolean {
  return secure || (target !== undefined && isLoopbackTarget(target));
}

/**
 * Refuses a channel that others can read and write: plaintext to another machine, or to a proxy.
 * @throws RpcError FAILED_PRECONDITION that says why, and what to do.
 */
export function checkChannel(
  { authority, target, behindProxy, secure }: WayOfCall,
  allowInsecureChannel: boolean,
): void {
  if (allowInsecureChannel || isPrivate({ target, secure })) return;
  const proxy = httpProxyFor(behindProxy ?? "");
  const way = target ?? `proxy for ${authority}${proxy === undefined ? "" : `, by ${proxy.setting},`}`;
  const direct =
    proxy === undefined ? "" : `${proxy.remedy}, or give the channel "grpc.enable_http_proxy": 0; `;
  throw new RpcError(
    grpc.status.FAILED_PRECONDITION,
    `the channel to ${way} is plaintext: whoever is on the way can read the call, ` +
      `and alter what its protection leaves open; ${direct}use TLS, or insist with allowInsecureChannel`,
  );
}
