/**
 * The entrance of one or several servers: whoever connects passes it before HTTP/2 sees a byte, and each call
 * before gRPC does.
 *
 * A connection has six seconds to become one of HTTP/2, TLS included; a socket that says nothing costs no
 * session meanwhile. What is beyond a limit is closed at once, connections with a reset, calls with
 * RESOURCE_EXHAUSTED.
 */
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type * as grpc from "@grpc/grpc-js";
import { Chain } from "../../collections/chain.js";
import { onHttp2Server } from "../grpc-js-internals.js";
import { rawSocket, startReading, stopReading } from "../node-internals.js";
import { Timeouts } from "../timeouts.js";
import type { Connection } from "./connection.js";
import { Connections } from "./connections.js";
import { isHealth } from "./health.js";
import { HeldBytes } from "./held-bytes.js";
import { type Limits, OPENING_MS, readLimits, type ServerLimits } from "./limits.js";
import { type LifeLimits, Lives } from "./lives.js";
import { type CallKeeper, type LetIn, OpenCall } from "./open-call.js";
import { OpenCalls } from "./open-calls.js";
import { Openings } from "./openings.js";
import { peerKey } from "./peer-key.js";
import { OVERLOADED, refuseCall, TOO_MANY_CALLS } from "./refusal.js";
import { Refusals, type RefusalTotals, type TellRefusals } from "./refusals.js";
import { TURNS, type Turns } from "./turns.js";
import type { Reader } from "./visitor.js";

/** Calls of the health service that are let in beyond the limit on calls, on one connection. */
const HEALTH_CALLS = 2;
/** When a caller may come again who found too many calls open, in milliseconds. */
const RETRY_AFTER_MS = 1_000;

/** A listener of a server's `connection` or `stream`. */
type Next = (...args: unknown[]) => void;

/** Lets in what there is room for. */
export class Entrance {
  /** What calls hold in memory. */
  readonly bytes: HeldBytes;
  readonly #limits: Limits;
  readonly #connections: Connections;
  readonly #refusals: Refusals;
  readonly #turns: Turns;
  readonly #opening = new Timeouts<Connection>(OPENING_MS, ({ socket }) => reset(socket));
  readonly #openings = new Openings();
  readonly #open = new OpenCalls();
  readonly #bySession = new WeakMap<ServerHttp2Session, Connection>();
  readonly #bySocket = new WeakMap<object, Connection>();
  readonly #keeper: CallKeeper = {
    ended: (call) => this.#ended(call),
    refuse: (call, cause) => this.#refuse(call, cause),
  };
  /** The connection that is being handed to HTTP/2. */
  #handing: Connection | undefined;

  /**
   * @param tell told, every ten seconds at most, how much was refused. It must not throw.
   * @param turns the order in which connections are read; that of the process by default.
   * @throws TypeError or RangeError naming an option that is wrong.
   */
  constructor(options?: ServerLimits, tell?: TellRefusals, turns = TURNS) {
    this.#turns = turns;
    this.#limits = readLimits(options);
    this.bytes = new HeldBytes(this.#limits);
    this.#connections = new Connections(this.#limits);
    this.#refusals = new Refusals(tell);
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size;
  }

  /** How many calls are open. */
  get calls(): number {
    return this.#connections.calls;
  }

  /** How much was refused since the start, by why. */
  get refused(): Readonly<RefusalTotals> {
    return this.#refusals.totals;
  }

  /** What waits to be read, in this process, because there is more to do than can be done. */
  get waiting(): { readonly connections: number; readonly calls: number } {
    return this.#turns.waiting;
  }

  /** Notes that a call was refused for its bytes. */
  refusedBytes({ connection }: OpenCall): void {
    this.#refusals.call(connection.socket.remoteAddress, "bytes");
  }

  /**
   * Stands before a server, wherever it comes to listen.
   * @param limits how long its connections last; as long as they like without it.
   */
  standBefore(server: grpc.Server, limits?: LifeLimits): void {
    onHttp2Server(server, (http2Server) => this.#standBefore(http2Server, limits && new Lives(limits)));
  }

  #standBefore(server: Http2Server, lives: Lives | undefined): void {
    const opening = new Chain<Socket>();
    takeOver(server, "connection", (next, socket: Socket) => this.#accept(socket, opening, next));
    // It would wait for sockets that HTTP/2 has not seen.
    const close = server.close;
    server.close = (told) => {
      for (const socket of opening) socket.destroy();
      return close.call(server, told);
    };
    server.on("session", (session: ServerHttp2Session) => this.#begin(session, lives));
    takeOver(server, "stream", (next, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
      this.#call(stream, headers, next),
    );
  }

  #accept(socket: Socket, opening: Chain<Socket>, next: () => void): void {
    socket.on("error", ignore);
    const connection = this.#connections.add(socket, this.#peerOf(socket), (leaving) => {
      this.#opening.end(leaving.opening);
      reset(leaving.socket);
    });
    if (connection === undefined) {
      this.#refusals.connection(socket.remoteAddress);
      reset(socket);
      return;
    }
    connection.opening = this.#opening.add(connection);
    const place = opening.add(socket);
    connection.onBegun = () => opening.remove(place);
    socket.once("close", () => {
      opening.remove(place);
      this.#opening.end(connection.opening);
      this.#connections.remove(connection);
      this.#turns.leave(connection);
    });
    // Whoever has said nothing gets no session.
    onFirstBytes(socket, () =>
      this.#openings.run(() => {
        if (socket.destroyed) return;
        this.#bySocket.set(socket, connection);
        this.#handing = connection;
        next();
        this.#handing = undefined;
      }),
    );
  }

  #peerOf({ remoteAddress }: Socket): string | undefined {
    if (remoteAddress === undefined) return undefined;
    const key = peerKey(remoteAddress);
    return this.#limits.proxies.has(key) ? undefined : key;
  }

  #begin(session: ServerHttp2Session, lives: Lives | undefined): void {
    const connection = this.#handing ?? this.#bySocket.get(rawSocket(session.socket));
    if (connection === undefined) return;
    connection.onBegun?.();
    this.#bySession.set(session, connection);
    session.once("remoteSettings", () => this.#opening.end(connection.opening));
    session.once("close", () => this.#forget(session));
    lives?.add(connection, session);
    this.#turns.join(connection, this.#readerOf(connection));
  }

  /**
   * Nothing follows the end of a session. grpc-js has its sessions in a `Set`, so that the collector copies
   * each as though it stayed (collections/chain.ts): it takes along less without what listens to it.
   */
  #forget(session: ServerHttp2Session): void {
    this.#bySession.delete(session);
    // Node's own listener to this event would be told of each of the others.
    session.removeAllListeners("removeListener");
    session.removeAllListeners();
  }

  #call(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, next: () => void): void {
    const connection = this.#connectionOf(stream);
    if (connection === undefined) {
      next();
      return;
    }
    const call = new OpenCall(
      this.#keeper,
      connection,
      stream,
      headers,
      this.#letIn(connection, headers),
      next,
    );
    if (call.letIn === "counted") this.#open.add(call);
    this.#turns.take(connection, call);
  }

  #connectionOf({ session }: ServerHttp2Stream): Connection | undefined {
    return session && this.#bySession.get(session as ServerHttp2Session);
  }

  /** Counts a call, if there is room for it. */
  #letIn(connection: Connection, headers: IncomingHttpHeaders): LetIn {
    connection.hasCalled = true;
    if (this.#connections.beginCall(connection)) return "counted";
    if (!isHealth(headers[":path"]) || connection.uncounted >= HEALTH_CALLS) return "no";
    connection.uncounted++;
    return "uncounted";
  }

  #ended(call: OpenCall): void {
    const { connection, letIn, holding } = call;
    if (letIn === "uncounted") connection.uncounted--;
    else {
      this.#open.end(call);
      this.#connections.endCall(connection);
    }
    if (holding !== undefined) this.bytes.end(holding);
  }

  /** How a connection is read. */
  #readerOf(connection: Connection): Reader {
    const { socket } = connection;
    return {
      stop: () => stopReading(socket),
      start: () => startReading(socket),
      close: () => reset(socket),
    };
  }

  #refuse({ connection: { socket }, stream }: OpenCall, cause: "calls" | "overload"): void {
    this.#refusals.call(socket.remoteAddress, cause);
    if (cause === "calls") refuseCall(stream, TOO_MANY_CALLS, RETRY_AFTER_MS);
    else refuseCall(stream, OVERLOADED, this.#turns.retryAfterMs);
  }
}

function ignore(): void {}

/** Has `handle` hear an event in place of those who hear it now; `next` tells them. */
function takeOver<Args extends unknown[]>(
  server: Http2Server,
  event: string,
  handle: (next: () => void, ...args: Args) => void,
): void {
  const listeners = server.listeners(event) as Next[];
  server.removeAllListeners(event);
  server.on(event, (...args: unknown[]) => {
    const next = () => {
      for (const listener of listeners) listener.apply(server, args);
    };
    handle(next, ...(args as Args));
  });
}

/** Calls once there is something to read; it is left to be read. */
function onFirstBytes(socket: Socket, call: () => void): void {
  const onReadable = () => {
    // The end of the stream is readable, too.
    if (socket.readableLength === 0) return;
    socket.removeListener("readable", onReadable);
    socket.removeListener("end", onEnd);
    call();
  };
  const onEnd = () => socket.destroy();
  socket.on("readable", onReadable);
  socket.once("end", onEnd);
}

/** Closes a socket without the wait for its other side. */
function reset(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
