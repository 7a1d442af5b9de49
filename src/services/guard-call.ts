/**
 * One guarded call on the server: between the bytes of the wire and a handler that knows nothing of them.
 *
 * Invariants. Nothing of a call goes beyond the guard before it is let in: no metadata, no message, no answer. The guard
 * alone decodes and encodes messages, so that what it checks are the bytes that travelled. A call that was refused or
 * cancelled passes nothing on in either direction. Keys made for the call are wiped when it ends.
 */
import * as grpc from "@grpc/grpc-js";
import { makeApProof, makeApRep } from "../protocol/ap-exchange.js";
import { isProtected, needsSubkeys, type ReadCallReq } from "../protocol/call-binding.js";
import type { Key } from "../protocol/keys.js";
import { KrbError } from "../protocol/krb-error.js";
import { MessageOpener, MessageProtector, REQUESTS, RESPONSES } from "../protocol/message-protection.js";
import { AP_REP_METADATA, AP_REQ_METADATA } from "../rpc/metadata-names.js";
import { hasStatus, toStatus } from "../rpc/status.js";
import { type Admission, readProof, rememberCall, verifyCall } from "./guard-admission.js";
import { setCaller } from "./guard-caller.js";
import type { GuardConfig } from "./guard-config.js";
import { logCall } from "./guard-log.js";
import type { Waiting } from "./guard-replay.js";

type Method = Parameters<grpc.ServerInterceptor>[0];
type Listener = Parameters<grpc.ServerInterceptingCallInterface["start"]>[0];
type Status = Parameters<grpc.ServerInterceptingCallInterface["sendStatus"]>[0];

/** grpc-js's call with a guard in it. */
export class GuardedServerCall extends grpc.ServerInterceptingCall {
  readonly #config: GuardConfig;
  readonly #method: Method;
  readonly #next: grpc.ServerInterceptingCallInterface;
  readonly #fault: Error | undefined;
  readonly #began = performance.now();
  readonly #keys: Key[] = [];
  #listener: Listener | undefined;
  #metadata: grpc.Metadata | undefined;
  #proof: ReadCallReq | undefined;
  #waiting: Waiting | undefined;
  #admission: Admission | undefined;
  #request: { readonly message: unknown } | undefined;
  #received = false;
  #opener: MessageOpener | undefined;
  #protector: MessageProtector | undefined;
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
  }

  override start(listener: Listener): void {
    this.#listener = listener;
    this.#next.start({
      onReceiveMetadata: (metadata) => this.#guarded(() => this.#receiveMetadata(metadata)),
      onReceiveMessage: (message) => this.#guarded(() => this.#receiveMessage(message)),
      onReceiveHalfClose: () => this.#guarded(() => this.#receiveHalfClose()),
      onCancel: () => this.#end(),
    });
  }

  override startRead(): void {
    const request = this.#request;
    this.#request = undefined;
    if (request === undefined) this.#next.startRead();
    else this.#listener?.onReceiveMessage(request.message);
  }

  override sendMetadata(metadata: grpc.Metadata): void {
    this.#guarded(() => this.#answer(metadata));
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.#guarded(() => {
      this.#answer();
      const bytes = this.#method.responseSerialize(message);
      const wire = this.#protector === undefined ? bytes : buffer(this.#protector.protect(bytes));
      this.#next.sendMessage(wire, callback);
    });
  }

  override sendStatus(status: Status): void {
    this.#guarded(() => {
      if (status.code === grpc.status.OK && this.#method.responseStream) {
        this.#answer();
        if (this.#protector !== undefined) this.#next.sendMessage(buffer(this.#protector.end()), () => {});
      }
      this.#next.sendStatus(status);
    });
  }

  #receiveMetadata(metadata: grpc.Metadata): void {
    if (this.#fault !== undefined) throw this.#fault;
    this.#metadata = metadata;
    this.#proof = readProof(metadata);
    metadata.remove(AP_REQ_METADATA);
    // The single request comes first: the authenticator covers its bytes.
    if (this.#method.requestStream) void this.#admit(undefined);
    else this.#next.startRead();
  }

  #receiveMessage(received: unknown): void {
    const bytes = received as Buffer;
    if (!Buffer.isBuffer(bytes))
      throw new TypeError("an interceptor before the guard changed a message: list the guard first");
    if (this.#method.requestStream) this.#receiveStreamed(bytes);
    else this.#receiveSingle(bytes);
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
    const opened = this.#opener!.open(bytes);
    if (opened.end) this.#next.startRead();
    else this.#listener!.onReceiveMessage(this.#decode(opened.message));
  }

  #receiveHalfClose(): void {
    if (this.#method.requestStream) this.#opener!.checkEnded();
    else if (!this.#received)
      throw new KrbError("KRB_ERR_GENERIC", "the call has no request", { field: "request" });
    this.#listener!.onReceiveHalfClose();
  }

  /** Lets the call in, or ends it. Rejects never. */
  async #admit(request: Buffer | undefined): Promise<void> {
    try {
      const config = this.#config;
      const now = config.clock();
      const onFailure = (error: unknown) => this.#log({ level: "error", text: String(error) });
      const { path: method, requestStream, responseStream } = this.#method;
      const received = {
        method,
        requestStream,
        responseStream,
        request,
        authority: this.getHost(),
        peer: this.getPeer(),
        certificate: config.bindClientCertificate && this.getAuthContext().sslPeerCertificate,
      };
      const admission = await verifyCall(config, this.#proof!, received, now, onFailure);
      if (this.#over) return;
      this.#waiting = rememberCall(config, admission, now, onFailure);
      await this.#waiting.done;
      if (this.#over) return;
      this.#open(admission, request);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #open(admission: Admission, request: Buffer | undefined): void {
    const { verified, caller } = admission;
    const { protection } = caller;
    const { requestStream } = this.#method;
    if (verified.subkey !== undefined) this.#keys.push(verified.subkey);
    if (isProtected(protection, requestStream)) {
      const keys = { subkey: verified.subkey!, seqNumber: verified.authenticator.seqNumber };
      this.#opener = new MessageOpener(REQUESTS, keys, protection);
    }
    if (request !== undefined) this.#request = { message: this.#decodeSingle(request) };
    this.#admission = admission;
    setCaller(this.#metadata!, caller);
    this.#log({ level: "info", result: "OK" });
    this.#listener!.onReceiveMetadata(this.#metadata!);
  }

  #decodeSingle(request: Buffer): unknown {
    if (this.#opener === undefined) return this.#decode(request);
    const opened = this.#opener.open(request);
    if (!opened.end) return this.#decode(opened.message);
    throw new KrbError("KRB_AP_ERR_MODIFIED", "an end marker in place of the request", { field: "request" });
  }

  #decode(message: Uint8Array): unknown {
    try {
      return this.#method.requestDeserialize(buffer(message));
    } catch {
      throw new KrbError("KRB_ERR_GENERIC", `malformed request of ${this.#method.path}`, {
        field: "request",
      });
    }
  }

  /** Sends the initial metadata once, and the AP-REP with it: no answer goes out before the call was let in. */
  #answer(given?: grpc.Metadata): void {
    if (this.#metadataSent) return;
    const admission = this.#admission;
    if (admission === undefined) throw new TypeError("an interceptor behind the guard answered by itself");
    const { verified, caller } = admission;
    const metadata = given?.clone() ?? new grpc.Metadata();
    if (needsSubkeys(caller.protection, this.#method)) {
      const { bytes, subkey, seqNumber } = makeApRep(verified);
      this.#keys.push(subkey);
      metadata.set(AP_REP_METADATA, buffer(bytes));
      if (isProtected(caller.protection, this.#method.responseStream))
        this.#protector = new MessageProtector(RESPONSES, { subkey, seqNumber }, caller.protection);
    } else {
      metadata.set(AP_REP_METADATA, buffer(makeApProof(verified)));
    }
    this.#metadataSent = true;
    this.#next.sendMetadata(metadata);
  }

  /** Runs a step unless the call is over; what it throws ends the call. */
  #guarded(step: () => void): void {
    if (this.#over) return;
    try {
      step();
    } catch (error) {
      this.#refuse(error);
    }
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

  /** grpc-js tells of the end of every call in this way, whatever the outcome. */
  #end(): void {
    this.#over = true;
    this.#waiting?.cancel();
    for (const key of this.#keys) key.wipe();
    this.#listener?.onCancel();
  }

  #log(outcome: { level: string; result?: string; text?: string; compared?: unknown }): void {
    const call = { method: this.#method.path, peer: this.getPeer(), began: this.#began };
    logCall(this.#config, call, this.#admission?.caller, outcome);
  }
}

/** The same bytes as a Buffer, which grpc-js and its codecs want. */
function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
