/**
 * What lies below a client's interceptors: the bytes of messages, the authority called, and whether the way there is
 * safe.
 *
 * grpc-js 1.14 tells an interceptor none of these; they are fields of the innermost call and its channel. Where a later
 * version moves them, or a channel is somebody else's, no call goes out, and the tests of ticket-interceptor.ts fail.
 */
import * as grpc from "@grpc/grpc-js";
import { isLoopbackTarget } from "../../rpc/network-address.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { identity } from "../../rpc/service-definition.js";

/** The call below all interceptors. */
export interface InnermostCall {
  /** The `:authority` of the call. */
  readonly authority: string;
  readonly way: Way;
  /** Calls `watcher` when the call ends, even if it never started. */
  watchEnd(watcher: (status: grpc.StatusObject) => void): void;
}

/** Where a channel leads. */
interface Way {
  /** With its scheme: `dns:localhost:8803`; undefined: to a proxy. */
  readonly target: string | undefined;
  /** Whether nobody can read or write on it: TLS, or this machine alone. */
  readonly safe: boolean;
}

interface HiddenInterceptingCall {
  readonly nextCall?: HiddenInterceptingCall;
  readonly call?: HiddenCall;
  methodDefinition?: object;
}

interface HiddenChannel {
  readonly credentials?: { _isSecure?(): boolean };
  readonly options?: Readonly<Record<string, unknown>>;
  getTarget?(): string;
}

interface HiddenCall {
  readonly host?: string;
  readonly channel?: HiddenChannel;
  addStatusWatcher?(watcher: (status: grpc.StatusObject) => void): void;
}

/** A channel leads to one target for all its life. */
const ways = new WeakMap<HiddenChannel, Way>();

/**
 * Finds the innermost call and makes it, and it alone, take and give messages as bytes.
 * @throws RpcError INTERNAL where it is not found.
 */
export function takeInnermost(call: grpc.InterceptingCall): InnermostCall {
  let innermost = call as unknown as HiddenInterceptingCall;
  while (innermost.nextCall !== undefined) innermost = innermost.nextCall;
  const { call: hidden, methodDefinition } = innermost;
  const { host, channel } = hidden ?? {};
  const found = typeof hidden?.addStatusWatcher === "function" && typeof channel?.getTarget === "function";
  if (!found || host === undefined || methodDefinition === undefined)
    throw new RpcError(grpc.status.INTERNAL, "ticketInterceptor works on grpc-js's own channels only");
  innermost.methodDefinition = {
    ...methodDefinition,
    requestSerialize: identity,
    responseDeserialize: identity,
  };
  return {
    authority: host,
    way: wayOf(channel!),
    watchEnd: (watcher) => hidden!.addStatusWatcher!(watcher),
  };
}

/**
 * Refuses a channel on which anybody could read and write.
 * @throws RpcError FAILED_PRECONDITION that says why and what to do.
 */
export function checkChannel({ authority, way }: InnermostCall, allowInsecureChannel: boolean): void {
  if (way.safe || allowInsecureChannel) return;
  throw new RpcError(
    grpc.status.FAILED_PRECONDITION,
    `the channel to ${way.target ?? `proxy for ${authority}`} is plaintext: whoever is on the way can read the call, ` +
      "and alter what its protection leaves open; use TLS, or insist with allowInsecureChannel",
  );
}

function wayOf(channel: HiddenChannel): Way {
  let way = ways.get(channel);
  if (way === undefined) {
    const proxied = channel.options?.["grpc.http_connect_target"] !== undefined;
    const target = proxied ? undefined : channel.getTarget!();
    const secure = channel.credentials?._isSecure?.() === true;
    way = { target, safe: secure || (target !== undefined && isLoopbackTarget(target)) };
    ways.set(channel, way);
  }
  return way;
}
