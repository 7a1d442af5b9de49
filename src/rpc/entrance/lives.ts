/**
 * How long connections last. grpc-js sets three timers for each, the one for its age on a list that no other
 * timer is on, and looks after the one for idleness at each call: a tenth of what a new connection costs. Here
 * one timer looks at all connections of a server, every second or, where limits are short, more often.
 *
 * A connection whose peer does not answer a ping is closed at once. One that is idle or old is told to make no
 * more calls (GOAWAY), and those that run go on: to their end, or for the time of grace.
 */
import { constants, type ServerHttp2Session } from "node:http2";
import type * as grpc from "@grpc/grpc-js";
import { Chain, type Link } from "../../collections/chain.js";
import type { Connection } from "./connection.js";

/** What a server's connections keep to, in milliseconds; Infinity: no limit. */
export interface LifeLimits {
  /** A peer is pinged so long after the connection began, and after its last answer. */
  readonly pingAfterMs: number;
  /** How long it has to answer. */
  readonly answerMs: number;
  /** A connection without a call. */
  readonly idleMs: number;
  /** Any connection, give or take a tenth, so that those that began together do not end together. */
  readonly ageMs: number;
  /** Calls of a connection that is too old. */
  readonly graceMs: number;
}

const STEP_MS = 1_000;
/** However short the limits are, in milliseconds. */
const SHORTEST_STEP_MS = 10;
/** How much longer a limit may become for being looked at now and then. */
const LATE = 0.1;
/** From here on grpc-js takes a time to be no limit, in milliseconds. */
const UNLIMITED_MS = 2 ** 31 - 1;
const ANSWER_MS = 20_000;
/** What the system waits at most before it looks, in milliseconds. */
const LONG_MS = 7_200_000;
/** What RFC 9113 §6.8 has a server say that does not know yet which streams it will still see. */
const LAST_STREAM = 2 ** 31 - 1;
const TOO_OLD = Buffer.from("max_age");

/** The limits in a server's options, and the options without them. */
export function takeLifeLimits(options: grpc.ServerOptions): {
  limits: LifeLimits;
  options: grpc.ServerOptions;
} {
  const {
    "grpc.keepalive_time_ms": pingAfterMs,
    "grpc.keepalive_timeout_ms": answerMs,
    "grpc.max_connection_idle_ms": idleMs,
    "grpc.max_connection_age_ms": ageMs,
    "grpc.max_connection_age_grace_ms": graceMs,
    ...others
  } = options;
  const limit = (ms: number | undefined) => (ms === undefined || ms >= UNLIMITED_MS ? Infinity : ms);
  const limits = {
    // As grpc-js has it: none, where it is not above 0.
    pingAfterMs: limit(pingAfterMs !== undefined && pingAfterMs > 0 ? pingAfterMs : undefined),
    answerMs: answerMs ?? ANSWER_MS,
    idleMs: limit(idleMs),
    ageMs: limit(ageMs),
    graceMs: limit(graceMs),
  };
  return { limits, options: others };
}

/** One connection, and when what is due; times of the clock in milliseconds. */
interface Life {
  readonly connection: Connection;
  readonly session: ServerHttp2Session;
  readonly oldAt: number;
  pingAt: number;
  /** By when the last ping has to be answered; undefined: it is. */
  answerBy: number | undefined;
  idleSince: number;
  /** Whether the system looks after its peer. */
  isLeftToSystem: boolean;
  /** When it is closed with its calls; undefined: it was not told to make no more. */
  endAt: number | undefined;
}

/** The connections of a server. */
export class Lives {
  readonly #limits: LifeLimits;
  readonly #random: () => number;
  readonly #stepMs: number;
  readonly #all = new Chain<Life>();
  #timer: NodeJS.Timeout | undefined;

  /** @param random from 0 up to, and without, 1. */
  constructor(limits: LifeLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
    const steps = Object.values(limits).map((ms) => (ms > 0 ? ms * LATE : STEP_MS));
    this.#stepMs = Math.max(SHORTEST_STEP_MS, Math.min(STEP_MS, ...steps));
  }

  /** Looks after a connection whose HTTP/2 has begun, until its session is closed. */
  add(connection: Connection, session: ServerHttp2Session): void {
    const { pingAfterMs, ageMs } = this.#limits;
    const now = performance.now();
    const link: Link<Life> = this.#all.add({
      connection,
      session,
      oldAt: now + ageMs * (0.9 + 0.2 * this.#random()),
      pingAt: now + pingAfterMs,
      answerBy: undefined,
      idleSince: now,
      isLeftToSystem: false,
      endAt: undefined,
    });
    session.once("close", () => this.#all.remove(link));
    this.#timer ??= this.#lookSoon();
  }

  #lookSoon(): NodeJS.Timeout {
    return setTimeout(() => this.#look(), this.#stepMs).unref();
  }

  #look(): void {
    const now = performance.now();
    for (const life of this.#all) if (!life.session.destroyed) this.#lookAt(life, now);
    this.#timer = this.#all.size > 0 ? this.#lookSoon() : undefined;
  }

  #lookAt(life: Life, now: number): void {
    const { connection, session } = life;
    if (now >= (life.answerBy ?? Infinity) || now >= (life.endAt ?? Infinity)) {
      session.destroy();
      return;
    }
    // One that was told to make no more calls is pinged no more: a client of Node's closes its connection at
    // that, and with it the calls that run. The system looks whether its host is still there.
    if (session.closed) {
      if (!life.isLeftToSystem)
        connection.socket.setKeepAlive(true, Math.min(this.#limits.pingAfterMs, LONG_MS));
      life.isLeftToSystem = true;
      return;
    }
    if (now >= life.pingAt) this.#ping(life, now);
    if (connection.hasCalled || connection.calls + connection.uncounted > 0) {
      connection.hasCalled = false;
      life.idleSince = now;
    }
    if (now >= life.oldAt) {
      life.endAt = now + this.#limits.graceMs;
      session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM, TOO_OLD);
      session.close();
    } else if (now >= life.idleSince + this.#limits.idleMs) session.close();
  }

  #ping(life: Life, now: number): void {
    life.pingAt = Infinity;
    life.answerBy = now + this.#limits.answerMs;
    const isSent = life.session.ping((error) => {
      if (error !== null) return;
      life.answerBy = undefined;
      life.pingAt = performance.now() + this.#limits.pingAfterMs;
    });
    if (!isSent) life.session.destroy();
  }
}
