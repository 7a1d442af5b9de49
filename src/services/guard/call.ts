/**
 * One guarded call on the server: between the bytes of the wire and a handler that knows nothing of them.
 *
 * Invariants. Nothing of a call goes beyond the guard before it is let in: no metadata, no message, no answer. The guard
 * alone decodes and encodes messages, so that what it checks are the bytes that travelled. A call that was refused or
 * cancelled passes nothing on in either direction. Keys made for the call are wiped when it ends, and what was known of it
 * is let go: Node's HTTP/2 streams outlive their calls until the next full garbage collection, and all they reach with them.
 */
import * as grpc from "@grpc/grpc-js";
import type { ReceivedApReq } from "../../protocol/call-binding.js";
import { KrbError } from "../../protocol/krb-error.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../../rpc/metadata-names.js";
import { hasStatus, toStatus } from "../../rpc/status.js";
import { toBuffer } from "../../rpc/to-buffer.js";
import { type ReceivedCall, readProof, verifyCall } from "./admission.js";
import { type Caller, setCaller } from "./caller.js";
import type { GuardConfig } from "./config.js";
import { currentKeys } from "./keys.js";
import { logCall } from "./log.js";
import { GuardedMessages } from "./messages.js";
import type { ReplayWaiter } from "./replay.js";

type Method = Parameters<grpc.ServerInterceptor>[0];
type Listener = Parameters<grpc.ServerInterceptingCallInterface["start"]>[0];
type Status = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

/**
 * grpc-js's call with a guard in it. It stands in for the interceptor's requester and listener both, and passes everything
 * on itself: layers and closures for each step would cost as much as the checks.
 */
export class GuardedServerCall extends grpc.ServerInterceptingCall implements Listener, ReplayWaiter {
  readonly #config: GuardConfig;
  readonly #method: Method;
  readonly #next: grpc.ServerInterceptingCallInterface;
  readonly #fault: Error | undefined;
  readonly #began: number;
  #listener: Listener | undefined;
  #metadata: grpc.Metadata | undefined;
  #proof: ReceivedApReq | undefined;
  /** Who was let in. */
  #caller: Caller | undefined;
  #messages: GuardedMessages | undefined;
  #request: { readonly message: unknown } | undefined;
  #received = false;
  #metadataSent = false;
  #over = false;

  /**
   * @param next the call below, whose messages are bytes.
   * @param fault why no call can be let in: the server is assembled wrongly. An interceptor that throws would end the process.
   */
  constructor(
    config: GuardConfig,
    method: Method,
    next: grpc.ServerInterceptingCallInterface,
    fault: Error | undefined,
  ) {
    super(next);
    this.#fault = fault;
    this.#config = config;
    this.#method = method;
    this.#next = next;
    this.#began = config.log === undefined ? 0 : performance.now();
  }

  override start(listener: Listener): void {
    this.#listener = listener;
    this.#next.start(this);
  }

  onReceiveMetadata(metadata: grpc.Metadata): void {
    if (this.#over) return;
    try {
      if (this.#fault !== undefined) throw this.#fault;
      this.#metadata = metadata;
      this.#proof = readProof(metadata);
      metadata.remove(AP_REQ_METADATA);
      // The single request comes first: the authenticator covers its bytes.
      if (this.#method.requestStream) void this.#admit(undefined);
      else this.#next.startRead();
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveMessage(received: unknown): void {
    if (this.#over) return;
    try {
      const bytes = received as Buffer;
      if (!Buffer.isBuffer(bytes))
        throw new TypeError("an interceptor before the guard changed a message: list the guard first");
      if (this.#method.requestStream) this.#receiveStreamed(bytes);
      else this.#receiveSingle(bytes);
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReceiveHalfClose(): void {
    if (this.#over) return;
    try {
      if (this.#method.requestStream) this.#messages!.checkEnded();
      else if (!this.#received)
        throw new KrbError("KRB_ERR_GENERIC", "the call has no request", { field: "request" });
      this.#listener!.onReceiveHalfClose();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** grpc-js tells of the end of every call in this way, whatever the outcome. */
  onCancel(): void {
    this.#end();
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onCancel();
  }

  override startRead(): void {
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) this.#next.startRead();
    else this.#listener?.onReceiveMessage(request.message);
  }

  override sendMetadata(metadata: grpc.Metadata): void {
    if (this.#over) return;
    try {
      this.#answer(metadata);
    } catch (error) {
      this.#refuse(error);
    }
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (this.#over) return;
    try {
      this.#answer();
      const bytes = this.#method.responseSerialize(message);
      this.#next.sendMessage(this.#messages!.protect(bytes), callback);
    } catch (error) {
      this.#refuse(error);
    }
  }

  override sendStatus(status: Status): void {
    if (this.#over) return;
    try {
      if (status.code === grpc.status.OK && this.#method.responseStream) {
        this.#answer();
        this.#next.sendMessage(this.#messages!.end(), () => {});
      }
      this.#next.sendStatus(status);
    } catch (error) {
      this.#refuse(error);
    }
  }

  giveUp(refusal: KrbError): void {
    this.#refuse(refusal);
  }

  onFailure(error: unknown): void {
    this.#log({ level: "error", text: String(error) });
  }

  #receiveSingle(bytes: Buffer): void {
    if (this.#received)
      throw new KrbError("KRB_AP_ERR_MODIFIED", "a second request, which the authenticator does not cover", {
        field: "request",
      });
    this.#received = true;
    void this.#admit(bytes);
  }

  #receiveStreamed(bytes: Buffer): void {
    const opened = this.#messages!.open(bytes);
    if (opened.end) this.#next.startRead();
    else this.#listener!.onReceiveMessage(this.#decode(opened.message));
  }

  /** Lets the call in, or ends it. Rejects never. */
  async #admit(request: Buffer | undefined): Promise<void> {
    let messages: GuardedMessages | undefined;
    try {
      const { keys, clock, callers, replayCache } = this.#config;
      const now = clock();
      const service = currentKeys(keys, this);
      const known = service instanceof Promise ? await service : service;
      if (this.#over) return;
      const received = this.#receivedWith(request);
      const { verified, caller } = verifyCall(this.#config, known, this.#proof!, received, now);
      messages = new GuardedMessages(verified, caller.protection, this.#method);
      if (!callers.isEmpty) await callers.check(caller, this.#method.path);
      if (this.#over) return;
      await replayCache.store(verified.replay, now, this);
      if (!this.#over) this.#open(caller, messages, request);
    } catch (error) {
      this.#refuse(error);
    } finally {
      if (this.#messages === undefined) messages?.wipe();
    }
  }

  #receivedWith(request: Buffer | undefined): ReceivedCall {
    const { path: method, requestStream, responseStream } = this.#method;
    const { remoteAddress } = this.getConnectionInfo();
    const certificate = this.#config.bindClientCertificate && this.getAuthContext().sslPeerCertificate;
    return {
      method,
      requestStream,
      responseStream,
      request,
      authority: this.getHost(),
      remoteAddress,
      certificate,
    };
  }

  #open(caller: Caller, messages: GuardedMessages, request: Buffer | undefined): void {
    if (request !== undefined) {
      const opened = messages.open(request);
      if (opened.end)
        throw new KrbError("KRB_AP_ERR_MODIFIED", "an end marker in place of the request", {
          field: "request",
        });
      this.#request = { message: this.#decode(opened.message) };
    }
    this.#caller = caller;
    this.#messages = messages;
    setCaller(this.#metadata!, caller);
    this.#log({ level: "info", result: "OK" });
    this.#listener!.onReceiveMetadata(this.#metadata!);
  }

  #decode(message: Uint8Array): unknown {
    try {
      return this.#method.requestDeserialize(toBuffer(message));
    } catch {
      throw new KrbError("KRB_ERR_GENERIC", `malformed request of ${this.#method.path}`, {
        field: "request",
      });
    }
  }

  /** Sends the initial metadata once, and the AP-REP with it: no answer goes out before the call was let in. */
  #answer(given?: grpc.Metadata): void {
    if (this.#metadataSent) return;
    const messages = this.#messages;
    if (messages === undefined) throw new TypeError("an interceptor behind the guard answered by itself");
    const metadata = given?.clone() ?? new grpc.Metadata();
    metadata.set(AP_REP_METADATA, messages.answer());
    this.#metadataSent = true;
    this.#next.sendMetadata(metadata);
  }

  #refuse(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#log(
      error instanceof KrbError
        ? { level: "warn", result: error.reason, text: error.message, compared: error.details }
        : { level: hasStatus(error) ? "warn" : "error", result: "INTERNAL", text: String(error) },
    );
    this.#next.sendStatus(toStatus(error));
  }

  #end(): void {
    this.#over = true;
    this.#config.replayCache.forget(this);
    this.#messages?.wipe();
    this.#messages = undefined;
    this.#metadata = undefined;
    this.#proof = undefined;
    this.#caller = undefined;
    this.#request = undefined;
  }

  #log(outcome: { level: string; result?: string; text?: string; compared?: unknown }): void {
    if (this.#config.log === undefined) return;
    const call = { method: this.#method.path, peer: this.getPeer(), began: this.#began };
    logCall(this.#config, call, this.#caller, outcome);
  }
}
