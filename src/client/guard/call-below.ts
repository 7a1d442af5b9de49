/**
 * grpc-js's call below a guarded one: made with the credentials of each attempt, made anew where the call is
 * tried again, and what it may have been ended by on this side.
 */
import * as grpc from "@grpc/grpc-js";
import type { InnermostClientCall } from "../../rpc/grpc-js-internals.js";
import type { OwnEnds } from "./unproven-status.js";
import { watched } from "./watched-credentials.js";

/** The call below. */
export class CallBelow {
  readonly #open: () => grpc.InterceptingCall;
  readonly #deadline: grpc.Deadline | undefined;
  readonly #parent: grpc.CallOptions["parent"];
  #call: grpc.InterceptingCall;
  /** What it was ended with from above. */
  #ownEnd: { readonly code: grpc.status; readonly details: string } | undefined;
  /** Why the application's own call credentials gave nothing. */
  #credentialsError: string | undefined;

  /**
   * Makes the call.
   * @param attempt makes the metadata of one attempt; what it throws ends the call.
   */
  constructor(options: grpc.InterceptorOptions, nextCall: grpc.NextCall, attempt: () => grpc.Metadata) {
    const own = grpc.credentials.createFromMetadataGenerator((_parameters, callback) => {
      try {
        callback(null, attempt());
      } catch (error) {
        callback(error as Error);
      }
    });
    const theirs =
      options.credentials &&
      watched(options.credentials, ({ message }) => {
        this.#credentialsError = message;
      });
    const credentials = theirs?.compose(own) ?? own;
    this.#open = () => nextCall({ ...options, credentials }) as grpc.InterceptingCall;
    this.#deadline = options.deadline;
    this.#parent = options.parent;
    this.#call = this.#open();
  }

  /** grpc-js's call, the latest. */
  get call(): grpc.InterceptingCall {
    return this.#call;
  }

  /** Makes the call anew; false where its channel has been closed. */
  reopen(): boolean {
    try {
      this.#call = this.#open();
      return true;
    } catch {
      return false;
    }
  }

  /** Ends the call for the application, or for the guard itself. */
  cancel(code: grpc.status, details: string): void {
    this.#ownEnd = { code, details };
    this.#call.cancelWithStatus(code, details);
  }

  /** What the call may have been ended by on this side. */
  ownEnds(innermost: InnermostClientCall): OwnEnds {
    return {
      own: this.#ownEnd,
      credentialsError: this.#credentialsError,
      parent: this.#parent,
      deadline: innermost.deadline() ?? this.#deadline,
    };
  }
}
