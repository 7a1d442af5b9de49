/** A server without a socket: what `addService` asks of a server, and a door to the unary methods added. */
import { EventEmitter } from "node:events";
import { Metadata, status } from "@grpc/grpc-js";

/** The unary methods of services, by their paths. */
export class Dispatcher {
  #methods = new Map();

  addService(definition, handlers) {
    for (const [name, { path }] of Object.entries(definition)) this.#methods.set(path, handlers[name]);
  }

  /**
   * Runs one call. Never rejects.
   * @param call `method`, `request` and `metadata` as they came; `peer`, `authority` and `deadline`
   *   (milliseconds since the epoch).
   * @returns `response`, `headers` and `trailers`, or a `status`.
   */
  unary(call) {
    const method = this.#methods.get(call.method);
    if (method === undefined)
      return Promise.resolve({
        status: { code: status.UNIMPLEMENTED, details: `no method ${call.method}`, metadata: new Metadata() },
      });
    return new Promise((resolve) => {
      const incoming = new Incoming(call);
      method(incoming, (refusal, response, trailers) => {
        if (refusal) resolve({ status: refusal });
        else resolve({ response, headers: incoming.headers, trailers });
      });
    });
  }
}

/** A call as the server's run time sees it. Nobody cancels it: a client that has gone is told nothing. */
class Incoming extends EventEmitter {
  cancelled = false;
  headers = undefined;
  #call;

  constructor(call) {
    super();
    this.#call = call;
    this.metadata = call.metadata;
    this.request = call.request;
  }

  getPeer() {
    return this.#call.peer;
  }

  getHost() {
    return this.#call.authority;
  }

  getDeadline() {
    return this.#call.deadline ?? Number.POSITIVE_INFINITY;
  }

  sendMetadata(headers) {
    this.headers = headers;
  }
}
