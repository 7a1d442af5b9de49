/**
 * A guarded service in a test realm, and the faults of real life on request: a process that starts anew, a
 * session that is gone, clocks that jump, calls that somebody captured and sends again.
 *
 *   await using orders = await createGuardedService(realm, "orders/api.example.test", (server) => {
 *     server.addService(orderService, handlers);
 *   });
 *   await orders.restart();
 */
import * as grpc from "@grpc/grpc-js";
import { checkOptionNames, type OptionNames } from "../errors/unknown-options.js";
import type { Principal } from "../protocol/principal.js";
import type { ServiceKeys } from "../protocol/ticket.js";
import type { LogRecord } from "../services/exchange-log.js";
import { type GuardConfig, type GuardOptions, readGuardOptions } from "../services/guard/config.js";
import { guardOf } from "../services/guard/interceptor.js";
import { type CapturedCall, capturing, type ReplayAnswer, replayTo } from "./captured-call.js";
import { parseSpan } from "./span.js";
import type { TestRealm } from "./test-realm.js";
import { TurnedTimers } from "./turned-timers.js";

/** Options of a guarded service. */
export interface GuardedServiceOptions {
  /** What its guard is told; keys, clocks, timer and log are the service's own. */
  readonly guard?: Omit<GuardOptions, "keytab" | "service" | "clock" | "uptime" | "timer" | "log">;
  /** grpc-js's settings of its server. */
  readonly server?: grpc.ServerOptions;
}

const OPTIONS: OptionNames<GuardedServiceOptions> = { guard: true, server: true };

/**
 * Starts a guarded service on a free port of loopback, without TLS; end it with `await using` or `close`. Two
 * of one principal are two processes behind one name.
 * @param name a service of the realm: its keys are the guard's.
 * @param register adds the methods; called again at each restart.
 * @throws RangeError if the realm has no such service.
 */
export async function createGuardedService(
  realm: TestRealm,
  name: string,
  register: (server: grpc.Server) => void,
  options: GuardedServiceOptions = {},
): Promise<GuardedService> {
  checkOptionNames("createGuardedService", options, OPTIONS);
  const service = new GuardedService(realm, await realm.keys(name), register, options);
  await service.start();
  return service;
}

/** A running service; `createGuardedService` makes one. */
export class GuardedService implements AsyncDisposable {
  /** Every line that the guard logged. */
  readonly log: LogRecord[] = [];
  /** Every call that came with a proof or should have, as it travelled: the earliest first. */
  readonly captured: CapturedCall[] = [];
  readonly #realm: TestRealm;
  readonly #keys: ServiceKeys;
  readonly #register: (server: grpc.Server) => void;
  readonly #options: GuardedServiceOptions;
  #server: grpc.Server | undefined;
  #config: GuardConfig | undefined;
  #port = 0;
  #clockStep = 0;
  #uptime = 0;
  #timers = new TurnedTimers(() => this.#now);
  readonly #leaveRealm: () => void;

  /** @internal Use `createGuardedService`. */
  constructor(
    realm: TestRealm,
    keys: ServiceKeys,
    register: (server: grpc.Server) => void,
    options: GuardedServiceOptions,
  ) {
    this.#realm = realm;
    this.#keys = keys;
    this.#register = register;
    this.#options = options;
    this.#leaveRealm = realm.onTurned(() => this.#timers.turned());
  }

  /** @internal Use `createGuardedService`. */
  async start(): Promise<void> {
    this.#uptime = 0;
    this.#timers = new TurnedTimers(() => this.#now);
    this.#config = readGuardOptions({
      ...this.#options.guard,
      keytab: () => this.#keys,
      clock: () => this.#now,
      uptime: () => this.#uptime,
      timer: this.#timers.timer,
      log: (record) => void this.log.push(record),
    });
    const interceptors = [capturing(this.captured), guardOf(this.#config)];
    this.#server = new grpc.Server({ ...this.#options.server, interceptors });
    this.#register(this.#server);
    this.#port = await listen(this.#server, this.#port);
  }

  /** The service's principal. */
  get principal(): Principal {
    return this.#keys.principal;
  }

  /** Where it listens, `127.0.0.1:port`: the same after a restart. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** How many sessions it holds. */
  get sessions(): number {
    return this.#config?.policy.sessions?.size ?? 0;
  }

  /**
   * A new process on the same port: connections break, and sessions, challenges, tags and the monotonic clock
   * are those of one that has just begun. A replay cache, which others share, stays.
   */
  async restart(): Promise<void> {
    this.#server?.forceShutdown();
    await this.start();
  }

  /** How many streams it has let in that go on. */
  get streams(): number {
    return this.#config?.streams.size ?? 0;
  }

  /** Drops all sessions, as a service does that needs the room. */
  dropSessions(): void {
    this.#config?.policy.sessions?.clear();
  }

  /** Steps the service's time of day away from the realm's, forwards or, with a minus, backwards. */
  stepClock(span: string | number): void {
    this.#clockStep += parseSpan(span);
    this.#timers.turned();
  }

  /**
   * Turns the monotonic clock, which stands still by itself.
   * @throws RangeError for a negative span: no such clock goes back.
   */
  stepUptime(span: string | number): void {
    const ms = parseSpan(span);
    if (!(ms >= 0)) throw new RangeError(`stepUptime: expected a span forwards, got ${span}`);
    this.#uptime += ms;
  }

  /** Sends a captured call once more, as it travelled: to this service, even if another one captured it. */
  replay(call: CapturedCall): Promise<ReplayAnswer> {
    return replayTo(this.address, call);
  }

  /** Ends it, and its connections. */
  async close(): Promise<void> {
    this.#leaveRealm();
    this.#server?.forceShutdown();
  }

  /** The service's time of day. */
  get #now(): number {
    return this.#realm.now + this.#clockStep;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function listen(server: grpc.Server, port: number): Promise<number> {
  const credentials = grpc.ServerCredentials.createInsecure();
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
}
