/**
 * One call of a server, from its headers to its end. Every call is one, and with closures and listeners of
 * its own for each thing that is looked after it would cost a fifth of an empty call.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Link } from "../../collections/chain.js";
import type { Connection, Holding } from "./connection.js";
import { isHealth } from "./health.js";
import type { ReadCall } from "./read-calls.js";

/** How long a caller waits who does not say, in milliseconds. */
const PATIENCE_MS = 5_000;
/** The timeout of a call, as gRPC over HTTP/2 writes it. */
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNITS_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** The call of a stream, kept at the stream itself. */
const CALL = Symbol("call");

interface CalledStream {
  [CALL]?: OpenCall;
}

/** Whether a call was let in: counted among those that are open, as a health check beyond them, or not. */
export type LetIn = "counted" | "uncounted" | "no";

/** What becomes of a call. */
export interface CallKeeper {
  /** It ends. */
  ended(call: OpenCall): void;
  /** There was no room for it, or it would come too late. */
  refuse(call: OpenCall, cause: "calls" | "overload"): void;
}

/** The call of a stream; undefined where it came in elsewhere. */
export function callOf(stream: ServerHttp2Stream): OpenCall | undefined {
  return (stream as CalledStream)[CALL];
}

/** A call that is open. */
export class OpenCall implements ReadCall {
  readonly connection: Connection;
  readonly stream: ServerHttp2Stream;
  readonly letIn: LetIn;
  readonly isHealth: boolean;
  /** What it holds in memory, if that is counted. */
  holding: Holding | undefined;
  /** Its place among those that are open. */
  open: Link<OpenCall> | undefined;
  readonly #keeper: CallKeeper;
  readonly #headers: IncomingHttpHeaders;
  readonly #next: () => void;

  constructor(
    keeper: CallKeeper,
    connection: Connection,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    letIn: LetIn,
    next: () => void,
  ) {
    this.connection = connection;
    this.stream = stream;
    this.letIn = letIn;
    this.isHealth = isHealth(headers[":path"]);
    this.#keeper = keeper;
    this.#headers = headers;
    this.#next = next;
    (stream as CalledStream)[CALL] = this;
    // grpc-js listens only once the call has started: until then an error would end the process.
    stream.on("error", ignore);
    if (letIn !== "no") stream.on("close", endCall);
  }

  /** What its cost goes by; refusals go by none. */
  get method(): string {
    return this.letIn === "no" ? "" : (this.#headers[":path"] ?? "");
  }

  get patienceMs(): number {
    return this.isHealth ? Number.POSITIVE_INFINITY : patienceOf(this.#headers);
  }

  isOver(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  /** Hands it to gRPC, or refuses it, which takes its time, too. */
  start(): void {
    if (this.letIn === "no") this.#keeper.refuse(this, "calls");
    else this.#next();
  }

  refuse(): void {
    this.#keeper.refuse(this, "overload");
  }

  end(): void {
    this.#keeper.ended(this);
  }
}

function endCall(this: ServerHttp2Stream): void {
  callOf(this)?.end();
}

/** How long a caller waits in all, in milliseconds. */
function patienceOf({ "grpc-timeout": timeout }: IncomingHttpHeaders): number {
  if (timeout === undefined) return PATIENCE_MS;
  const [, count, unit] = TIMEOUT.exec(String(timeout)) ?? [];
  if (count === undefined || unit === undefined) return PATIENCE_MS;
  return Number(count) * (UNITS_MS[unit] ?? 0);
}

function ignore(): void {}
