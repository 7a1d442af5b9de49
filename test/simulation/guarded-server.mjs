/**
 * A guarded service without a socket: what grpc-js has below a guard and behind it, for unary calls. Below is
 * one call as bytes; behind is a handler.
 */
import { Metadata, status } from "@grpc/grpc-js";

const identity = (bytes) => bytes;
/** As grpc-js tells interceptors of a unary method. */
const methodOf = (path) => ({
  path,
  requestStream: false,
  responseStream: false,
  requestDeserialize: identity,
  responseSerialize: identity,
});

export class GuardedServer {
  #guard;
  #handle;

  /**
   * @param guard a server interceptor.
   * @param handle `(request, metadata, method)` gives a response, or throws a status.
   */
  constructor(guard, handle) {
    this.#guard = guard;
    this.#handle = handle;
  }

  /** Runs a call; resolves to an answer: `headers`, `response` and `status`. */
  unary({ method, bytes, metadata, authority, address, encrypted }) {
    return new Promise((resolve) => {
      const wire = new Wire({ bytes, metadata, authority, address, encrypted }, resolve);
      const guarded = this.#guard(methodOf(method), wire);
      guarded.start(new Behind(guarded, (request, received) => this.#handle(request, received, method)));
    });
  }
}

/** The call below the guard. The fields `handler` and `stream` are where grpc-js's own calls have them. */
class Wire {
  handler = { serialize: identity, deserialize: identity };
  stream;
  #call;
  #resolve;
  #listener;
  #answer = { headers: undefined, response: undefined };
  #next = "request";

  constructor(call, resolve) {
    this.#call = call;
    this.#resolve = resolve;
    const socket = { destroyed: false };
    this.stream = { closed: true, session: { encrypted: call.encrypted, destroyed: false, socket } };
  }

  start(listener) {
    this.#listener = listener;
    listener.onReceiveMetadata(this.#call.metadata);
  }

  startRead() {
    const next = this.#next;
    this.#next = next === "request" ? "end" : "nothing";
    queueMicrotask(() => {
      if (next === "request") this.#listener.onReceiveMessage(this.#call.bytes);
      else if (next === "end") this.#listener.onReceiveHalfClose();
    });
  }

  sendMetadata(headers) {
    this.#answer.headers = headers;
  }

  sendMessage(message, callback) {
    this.#answer.response = message;
    callback();
  }

  sendStatus(ended) {
    this.#resolve({ ...this.#answer, status: { metadata: new Metadata(), ...ended } });
    queueMicrotask(() => this.#listener.onCancel());
  }

  getPeer() {
    return `${this.#call.address}:1`;
  }

  getDeadline() {
    return Number.POSITIVE_INFINITY;
  }

  getHost() {
    return this.#call.authority;
  }

  getAuthContext() {
    return {};
  }

  getConnectionInfo() {
    return { localAddress: "10.0.0.1", localPort: 443, remoteAddress: this.#call.address, remotePort: 1 };
  }
}

/** What stands behind the guard: the server's run time and the handler. */
class Behind {
  #guarded;
  #handle;
  #metadata;
  #request;

  constructor(guarded, handle) {
    this.#guarded = guarded;
    this.#handle = handle;
  }

  onReceiveMetadata(metadata) {
    this.#metadata = metadata;
    this.#guarded.startRead();
  }

  onReceiveMessage(request) {
    this.#request = request;
    this.#guarded.startRead();
  }

  onReceiveHalfClose() {
    try {
      const response = this.#handle(this.#request, this.#metadata);
      this.#guarded.sendMessage(response, () => {});
      this.#guarded.sendStatus({ code: status.OK, details: "", metadata: new Metadata() });
    } catch (ended) {
      this.#guarded.sendStatus({ metadata: new Metadata(), ...ended });
    }
  }

  onCancel() {}
}
