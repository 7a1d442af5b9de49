/**
 * Stands between a client and its servers and holds what travels: a request before it is sent, an answer
 * before the client takes it. Whoever holds a message may change it, let it go, or lose it.
 *
 * Invariants. One message is held at a time; others wait for their turn. What went on is told as it went on.
 */
import * as grpc from "@grpc/grpc-js";
import { KrbError } from "../../protocol/krb-error.js";
import { GrpcTransport } from "../../rpc/grpc-transport.js";
import { RpcError } from "../../rpc/rpc-error.js";
import type { Transport, TransportOptions } from "../../rpc/transport.js";

/** A call as it travels. */
export interface TravellingCall {
  /** `/kerberos.v1.AuthenticationService/Authenticate` */
  readonly path: string;
  /** Whether somebody on the way sent the request, and not the client. */
  readonly isAgain: boolean;
  /** The request as it was handed over, and as it went on; the latter undefined while it is held. */
  readonly request: Travelled;
  /** The answer likewise; undefined until there is one, or if the call was refused. */
  readonly response: Travelled | undefined;
  /** Why the server refused the call. */
  readonly refusal: KrbError | RpcError | undefined;
  /** When the request went on, and the answer came: milliseconds since the epoch. */
  readonly sentAt: number;
  readonly receivedAt: number;
}

/** A message that was handed over. */
export interface Travelled {
  readonly was: Uint8Array;
  /** As it went on; undefined while it is held. */
  readonly is: Uint8Array | undefined;
  /** Whether it was lost instead. */
  readonly isLost: boolean;
}

/** A message that is held. */
export interface Held {
  readonly call: TravellingCall;
  readonly direction: "request" | "response";
  readonly was: Uint8Array;
  /** With what was changed so far. */
  readonly bytes: Uint8Array;
}

/** The one who holds. */
export interface InterceptionOptions {
  /** The present, in milliseconds since the epoch. */
  readonly now: () => number;
  /** Told whenever something travelled, or is held. */
  readonly onChange: () => void;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What is held, and what travelled. */
export class Interception {
  /** Whether messages are held; otherwise they pass. */
  holds = true;
  readonly #options: InterceptionOptions;
  readonly #calls: Mutable<TravellingCall>[] = [];
  #held: (Mutable<Held> & { readonly end: (isLost: boolean) => void }) | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: InterceptionOptions) {
    this.#options = options;
  }

  /** Every call, in the order in which they began. */
  get calls(): readonly TravellingCall[] {
    return this.#calls;
  }

  get held(): Held | undefined {
    return this.#held;
  }

  /** What carries calls to an address: a client's option. */
  readonly transport = (address: string): Transport => {
    const options = { "grpc.enable_retries": 0 };
    const inner = new GrpcTransport(address, grpc.credentials.createInsecure(), options);
    return {
      unary: (path, request, settings) => this.#carry(inner, path, request, settings, false),
      close: () => inner.close(),
    };
  };

  /** Sends bytes that travelled before, as somebody on the way can. Resolves when the call has ended. */
  async sendAgain(address: string, path: string, request: Uint8Array, deadline: number): Promise<void> {
    const inner = new GrpcTransport(address, grpc.credentials.createInsecure(), { "grpc.enable_retries": 0 });
    try {
      await this.#carry(inner, path, Buffer.from(request), { deadline }, true);
    } finally {
      inner.close();
    }
  }

  /** Replaces the bytes of the held message. Does nothing if none is held. */
  change(bytes: Uint8Array): void {
    if (this.#held !== undefined) this.#held.bytes = bytes;
    this.#options.onChange();
  }

  /** Lets the held message go on as it is now. */
  letGo(): void {
    this.#held?.end(false);
  }

  /** Loses the held message: its call ends as one that nobody answers. */
  lose(): void {
    this.#held?.end(true);
  }

  async #carry(
    inner: Transport,
    path: string,
    request: Buffer,
    settings: TransportOptions,
    isAgain: boolean,
  ): Promise<Buffer> {
    const call: Mutable<TravellingCall> = {
      path,
      isAgain,
      request: handedOver(request),
      response: undefined,
      refusal: undefined,
      sentAt: this.#options.now(),
      receivedAt: 0,
    };
    this.#calls.push(call);
    const sent = await this.#pass(call, "request");
    let response: Buffer;
    try {
      response = await inner.unary(path, sent, settings);
    } catch (error) {
      if (error instanceof KrbError || error instanceof RpcError) call.refusal = error;
      call.receivedAt = this.#options.now();
      this.#options.onChange();
      throw error;
    }
    call.receivedAt = this.#options.now();
    call.response = handedOver(response);
    return this.#pass(call, "response");
  }

  /** Holds a message until it is let go; throws RpcError UNAVAILABLE if it is lost. */
  async #pass(call: Mutable<TravellingCall>, direction: Held["direction"]): Promise<Buffer> {
    const held = this.#turn.then(() => this.#hold(call, direction));
    this.#turn = held.catch(() => {});
    return held;
  }

  async #hold(call: Mutable<TravellingCall>, direction: Held["direction"]): Promise<Buffer> {
    const { was } = call[direction]!;
    const { is, isLost } = this.holds
      ? await this.#decided(call, direction, was)
      : { is: was, isLost: false };
    call[direction] = { was, is, isLost };
    if (direction === "request") call.sentAt = this.#options.now();
    this.#options.onChange();
    if (isLost) throw new RpcError(grpc.status.UNAVAILABLE, `the ${direction} was lost on the way`);
    return Buffer.from(is);
  }

  /** What becomes of a message, once whoever holds it has decided. */
  #decided(call: TravellingCall, direction: Held["direction"], was: Uint8Array) {
    return new Promise<{ readonly is: Uint8Array; readonly isLost: boolean }>((resolve) => {
      const end = (isLost: boolean) => {
        const { bytes: is } = this.#held!;
        this.#held = undefined;
        resolve({ is, isLost });
      };
      this.#held = { call, direction, was, bytes: was, end };
      this.#options.onChange();
    });
  }
}

function handedOver(bytes: Uint8Array): Travelled {
  return { was: Uint8Array.from(bytes), is: undefined, isLost: false };
}
