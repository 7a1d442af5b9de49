/**
 * The caller for code below a handler that is not handed the call, as under frameworks that hand on something
 * of their own in its place.
 *
 * It costs nothing where no guard is told to keep it: an AsyncLocalStorage that was never entered makes no
 * hooks, and once entered slows down every promise of the process under Node 20 and 22.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type * as grpc from "@grpc/grpc-js";
import { type Caller, callerOf } from "./caller.js";
import type { Listener } from "./state.js";

const current = new AsyncLocalStorage<Caller>();

/**
 * Who is calling, wherever the handler of a guarded method has led: for a guard with `currentCaller: true`.
 * @throws TypeError where no such guard let a call in that led here.
 */
export function currentCaller(): Caller {
  const caller = current.getStore();
  if (caller !== undefined) return caller;
  throw new TypeError(
    "currentCaller: no caller is known here: the method is public, the guard lacks currentCaller: true, " +
      "or no handler led here",
  );
}

/**
 * What is behind the guard, told of everything with the caller as the current one: grpc-js starts handlers
 * from any of these. The guard tells of nothing but the end of a call before it lets the call in.
 */
export class ListenerWithCaller implements Listener {
  readonly #next: Listener;
  /** What the caller is found by: a renewal of the stream puts another in the place of the first. */
  #metadata: grpc.Metadata | undefined;

  constructor(next: Listener) {
    this.#next = next;
  }

  onReceiveMetadata(metadata: grpc.Metadata): void {
    this.#metadata = metadata;
    this.#run(() => this.#next.onReceiveMetadata(metadata));
  }

  onReceiveMessage(message: unknown): void {
    this.#run(() => this.#next.onReceiveMessage(message));
  }

  onReceiveHalfClose(): void {
    this.#run(() => this.#next.onReceiveHalfClose());
  }

  onCancel(): void {
    this.#run(() => this.#next.onCancel());
  }

  #run(tell: () => void): void {
    const metadata = this.#metadata;
    if (metadata === undefined) tell();
    else current.run(callerOf({ metadata }), tell);
  }
}
