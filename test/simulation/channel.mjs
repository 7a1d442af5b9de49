/**
 * A channel of grpc-js without a socket, so that its client and the product's interceptors run as they are:
 * unary calls, each carried by the network. What interceptors look for in grpc-js's own calls has the same
 * names here.
 */
import { connectivityState, Metadata, status } from "@grpc/grpc-js";

export class Channel {
  #send;
  #authority;
  credentials;
  options = {};

  /**
   * @param send carries one attempt: `({ method, bytes, metadata, deadline })` gives an answer.
   * @param encrypted whether it passes for TLS.
   */
  constructor({ authority, encrypted, send }) {
    this.#authority = authority;
    this.#send = send;
    this.credentials = { _isSecure: () => encrypted };
  }

  createCall(method, deadline, host) {
    return new Call(this, this.#send, { method, deadline, host: host ?? this.#authority });
  }

  getTarget() {
    return `dns:${this.#authority}`;
  }

  getConnectivityState() {
    return connectivityState.READY;
  }

  watchConnectivityState() {}

  close() {}
}

class Call {
  channel;
  deadline;
  host;
  #send;
  #method;
  #credentials;
  #metadata;
  #listener;
  #watchers = [];
  #message;
  #isOver = false;
  /** What was received and not asked for. */
  #received = [];
  #isReading = false;

  constructor(channel, send, { method, deadline, host }) {
    this.channel = channel;
    this.#send = send;
    this.#method = method;
    this.deadline = deadline;
    this.host = host;
  }

  setCredentials(credentials) {
    this.#credentials = credentials;
  }

  addStatusWatcher(watcher) {
    this.#watchers.push(watcher);
  }

  start(metadata, listener) {
    this.#metadata = metadata;
    this.#listener = listener;
  }

  sendMessageWithContext(context, message) {
    this.#message = message;
    context.callback?.();
  }

  startRead() {
    this.#isReading = true;
    this.#deliver();
  }

  halfClose() {
    void this.#run();
  }

  cancelWithStatus(code, details) {
    this.#end({ code, details, metadata: new Metadata() });
  }

  getPeer() {
    return this.host;
  }

  getAuthContext() {
    return null;
  }

  getCallNumber() {
    return 0;
  }

  async #run() {
    try {
      const metadata = this.#metadata.clone();
      const own = await this.#credentials?.generateMetadata({
        method_name: this.#method,
        service_url: `https://${this.host}${this.#method}`,
      });
      if (own !== undefined) metadata.merge(own);
      const { deadline } = this;
      const answer = await this.#send({ method: this.#method, bytes: this.#message, metadata, deadline });
      if (this.#isOver) return;
      if (answer.headers !== undefined) this.#listener?.onReceiveMetadata(answer.headers);
      this.#received.push(answer);
      if (answer.response === undefined) this.#isReading = true;
      this.#deliver();
    } catch (error) {
      const { code = status.UNKNOWN, details = String(error), metadata = new Metadata() } = error;
      this.#end({ code, details, metadata });
    }
  }

  #deliver() {
    if (!this.#isReading || this.#received.length === 0 || this.#isOver) return;
    const { response, status: ended, trailers = new Metadata() } = this.#received.shift();
    if (response !== undefined) this.#listener?.onReceiveMessage(response);
    this.#end(ended ?? { code: status.OK, details: "", metadata: trailers });
  }

  #end(ended) {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const watcher of this.#watchers) watcher(ended);
    process.nextTick(() => this.#listener?.onReceiveStatus(ended));
  }
}
