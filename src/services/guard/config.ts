/** What a guard is told, and what it makes of it once, when the server is assembled. */

import type { PeerCertificate } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { checkOptionNames, type OptionNames } from "../../errors/unknown-options.js";
import { visible } from "../../errors/visible-text.js";
import { PROTECTIONS, type Protection } from "../../protocol/call-binding.js";
import { etypeOf } from "../../protocol/etypes.js";
import type { Principal } from "../../protocol/principal.js";
import { isProfileName, PROFILES, type ProfileName } from "../../protocol/profile.js";
import type { ServiceKeys } from "../../protocol/ticket.js";
import { MethodTable, PUBLIC_SERVICES } from "../../rpc/method-table.js";
import { nextTurn } from "../../rpc/next-turn.js";
import { RpcError } from "../../rpc/rpc-error.js";
import { Timeouts } from "../../rpc/timeouts.js";
import { systemTimer, type Timer } from "../../rpc/timer.js";
import type { ReplayCache } from "../../store/replay/replay-cache.js";
import type { Clock } from "../clock.js";
import type { Log } from "../exchange-log.js";
import { countedReplayCache } from "../metrics/counted-replay-cache.js";
import { cacheFigures, keytabFigures, sessionFigures } from "../metrics/figures.js";
import type { Metrics } from "../metrics/metrics.js";
import { patientMetrics } from "../metrics/patient-metrics.js";
import { patientLog } from "../patient-log.js";
import { TicketCache } from "../ticket-cache.js";
import { Gate } from "./admission.js";
import type { AdmissionPolicy } from "./admission-policy.js";
import { CallerPolicy, type CallerRules } from "./caller-rules.js";
import { type KeySource, type Keytab, keySource } from "./keys.js";
import { LiveStreams } from "./live-streams.js";
import { namesHost, OwnNames } from "./own-names.js";
import { REPLAY_TIMEOUT_MS, TimedReplayCache } from "./replay.js";
import { type SessionOptions, SessionTable } from "./sessions.js";

/** What a guard is told. Times are milliseconds. */
export interface GuardOptions {
  /**
   * The service's keys: the path of a keytab (`FILE:` may stand before it), a `KeytabFile`, or a function
   * that gives them.
   */
  readonly keytab: Keytab;
  /** The service's principal, where the keytab holds the keys of several. */
  readonly service?: string | undefined;
  /**
   * Remembers authenticators, and is shared by all instances that hold the same keytab: for calls that a
   * proxy spreads over them. Without it each instance has its clients prove themselves to it by a challenge.
   */
  readonly replayCache?: Pick<ReplayCache, "store"> | undefined;
  /**
   * Sessions: after one exchange calls prove themselves with one MAC.
   * `true` by default without a replay cache, `false` with one, since its instances do not share sessions.
   */
  readonly sessions?: boolean | SessionOptions | undefined;
  /**
   * The hosts under which the service is called, at most 16; by default the instance of its principal
   * (`orders/api.example.test`). From this machine loopback's names do too.
   */
  readonly authorities?: readonly string[] | undefined;
  /**
   * Methods that may run twice, as `public` names them: a client may repeat them even where it can't be told
   * whether the first attempt ran.
   */
  readonly idempotent?: readonly string[] | undefined;
  /** The least protection of a call; `authenticate` by default. */
  readonly protection?: Protection | undefined;
  /**
   * Methods that need no ticket, besides health and reflection: `package.Service/Method`, `package.Service`,
   * `package.*`.
   */
  readonly public?: readonly string[] | undefined;
  /**
   * Who may call what; without it, whoever has a ticket. With it, nobody calls a method that no rule names.
   */
  readonly allow?: CallerRules | undefined;
  /**
   * How many bytes of opened tickets are kept, so that a ticket seen again is not opened again; 192 MiB by
   * default, for some 24,000 clients that call one shot.
   */
  readonly ticketCacheBytes?: number | undefined;
  /** Encryption types by profile, `standard` by default; weak ones are accepted from loopback only. */
  readonly profile?: ProfileName | undefined;
  /** Encryption types by number, instead of a profile's. */
  readonly permittedEtypes?: readonly number[] | undefined;
  /** Types of authorization data the service understands; a ticket with any other is refused. */
  readonly authorizationData?: readonly number[] | undefined;
  /** Whether a caller may use the certificate it connected with; a call without one is refused. For mTLS. */
  readonly bindClientCertificate?:
    | ((principal: Principal, certificate: PeerCertificate) => boolean)
    | undefined;
  /**
   * Whether `currentCaller()` finds the caller below a handler that is not handed the call; `false` by
   * default. It costs each call some time.
   */
  readonly currentCaller?: boolean | undefined;
  /** Permitted difference of clocks, 5 minutes by default. */
  readonly clockSkew?: number | undefined;
  /** How long the replay cache may take, 250 ms by default. */
  readonly replayTimeoutMs?: number | undefined;
  /**
   * How long a single request may take to come whole after its headers, 6 s by default; then the call ends
   * with DEADLINE_EXCEEDED. Streams are proven by their headers.
   */
  readonly requestTimeoutMs?: number | undefined;
  /** The present; the system's clock by default. */
  readonly clock?: Clock | undefined;
  /** Milliseconds of a clock that is never set; `performance.now` by default. */
  readonly uptime?: (() => number) | undefined;
  /** Wakes the guard to look at the streams that go on; Node's timers by default. For tests. */
  readonly timer?: Timer | undefined;
  /**
   * Told of every guarded call: who, what, with which result. A log that throws, or returns a promise that
   * rejects, ends no call.
   */
  readonly log?: Log | undefined;
  /** Takes the guard's figures: `prometheusMetrics()`, or one's own. */
  readonly metrics?: Metrics | undefined;
  /** Whether spans of OpenTelemetry say who calls (`tessera.client`); `false` by default. */
  readonly tracePrincipals?: boolean | undefined;
}

/** The same, read and completed. */
export interface GuardConfig {
  readonly policy: AdmissionPolicy;
  readonly gate: Gate;
  /** Whether admission looks at the certificates of clients. */
  readonly withCertificate: boolean;
  readonly keys: KeySource;
  /** Undefined: authenticators need a challenge. */
  readonly replayCache: TimedReplayCache | undefined;
  /** Calls whose single request has not come whole. */
  readonly unread: Timeouts<UnreadCall>;
  readonly requestTimeoutMs: number;
  /** Streams that were let in. */
  readonly streams: LiveStreams;
  readonly idempotentMethods: MethodTable<true>;
  readonly publicMethods: MethodTable<true>;
  readonly callers: CallerPolicy;
  /** Whether handlers have a current caller. */
  readonly currentCaller: boolean;
  /** Checks a call together with those that arrived with it. `check` must not throw. */
  readonly inTurn: (check: () => void) => void;
  readonly clock: Clock;
  readonly log: Log | undefined;
  readonly metrics: Metrics | undefined;
  readonly tracePrincipals: boolean;
}

/** A call whose single request has not come whole. */
export interface UnreadCall {
  /** Ends the call: it took too long. */
  giveUp(error: RpcError): void;
}

/** The names of all options of a guard. */
export const GUARD_OPTION_NAMES: OptionNames<GuardOptions> = {
  keytab: true,
  service: true,
  replayCache: true,
  sessions: true,
  authorities: true,
  idempotent: true,
  protection: true,
  public: true,
  allow: true,
  profile: true,
  permittedEtypes: true,
  authorizationData: true,
  ticketCacheBytes: true,
  bindClientCertificate: true,
  currentCaller: true,
  clockSkew: true,
  replayTimeoutMs: true,
  requestTimeoutMs: true,
  clock: true,
  uptime: true,
  timer: true,
  log: true,
  metrics: true,
  tracePrincipals: true,
};

const SESSION_OPTIONS: OptionNames<SessionOptions> = { bytes: true, share: true, life: true };

const CLOCK_SKEW_MS = 300_000;
/** A request of one message, from its headers to its end. */
const REQUEST_TIMEOUT_MS = 6_000;

/**
 * Reads and completes a guard's options.
 * @throws TypeError or RangeError naming an option that is wrong; KrbError KDC_ERR_ETYPE_NOSUPP for an
 *   encryption type that this project does not have, KRB_ERR_GENERIC for a `service` outside the grammar of
 *   principals.
 */
export function readGuardOptions(options: GuardOptions): GuardConfig {
  checkOptionNames("guard", options, GUARD_OPTION_NAMES);
  const { keytab, replayCache, protection: floor = "authenticate", clock = Date.now } = options;
  if (replayCache !== undefined && typeof replayCache?.store !== "function")
    throw new TypeError("replayCache: expected a ReplayCache, or none");
  if (!PROTECTIONS.includes(floor))
    throw new TypeError(`protection: expected one of ${PROTECTIONS.join(", ")}, got ${String(floor)}`);
  const { profile: name = "standard" } = options;
  if (!isProfileName(name))
    throw new TypeError(`profile: expected one of ${Object.keys(PROFILES).join(", ")}, got ${String(name)}`);
  const { permittedEtypes = PROFILES[name].permitted } = options;
  const clockSkew = milliseconds("clockSkew", options.clockSkew ?? CLOCK_SKEW_MS);
  const strong = permittedEtypes.filter((etype) => !etypeOf(etype).weak);
  const replayTimeoutMs = milliseconds("replayTimeoutMs", options.replayTimeoutMs ?? REPLAY_TIMEOUT_MS);
  const requestTimeoutMs = milliseconds("requestTimeoutMs", options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS);
  const publicRows = [...PUBLIC_SERVICES, ...(options.public ?? [])].map((row) => [row, true] as const);
  const idempotentRows = (options.idempotent ?? []).map((row) => [row, true] as const);
  const log = options.log && patientLog(options.log, clock);
  const say = (level: "error" | "warn", text: string) => {
    if (log === undefined) process.emitWarning(visible(text), "TesseraWarning");
    else log({ time: new Date(clock()).toISOString(), level, exchange: "GUARD", text });
  };
  const report = {
    onError: (error: Error) => say("error", String(error)),
    onSkipped: (text: string) => say("warn", text),
  };
  const { bindClientCertificate } = options;
  const metrics = options.metrics && patientMetrics(options.metrics);
  const tickets = new TicketCache({ clockSkew, bytes: options.ticketCacheBytes });
  const sessions = sessionTable(options.sessions ?? replayCache === undefined);
  const policy: AdmissionPolicy = {
    floor,
    permittedEtypes,
    strongEtypes: strong.length === permittedEtypes.length ? permittedEtypes : strong,
    authorizationData: options.authorizationData ?? [],
    bindClientCertificate,
    clockSkew,
    openTicket: tickets.open,
    names: new OwnNames(options.authorities),
    sessions,
    hasReplayCache: replayCache !== undefined,
    uptime: options.uptime ?? (() => performance.now()),
  };
  const keys = keySource(keytab, options.service, clock, report);
  if (options.authorities === undefined && typeof keytab !== "function")
    warnIfNameless(keys, report.onSkipped);
  metrics?.watch(() => [
    ...cacheFigures("tickets", tickets.load),
    ...keytabFigures("service", keys),
    ...(sessions === undefined ? [] : sessionFigures(sessions.load)),
  ]);
  const counted = metrics && replayCache && countedReplayCache(replayCache, metrics);
  return {
    policy,
    gate: new Gate(policy),
    withCertificate: bindClientCertificate !== undefined,
    keys,
    replayCache: replayCache && new TimedReplayCache(counted ?? replayCache, replayTimeoutMs),
    unread: new Timeouts(requestTimeoutMs, (call) => call.giveUp(requestTooLate(requestTimeoutMs))),
    requestTimeoutMs,
    streams: new LiveStreams({ keys, clock, timer: options.timer ?? systemTimer }),
    publicMethods: new MethodTable(publicRows, "public"),
    idempotentMethods: new MethodTable(idempotentRows, "idempotent"),
    callers: new CallerPolicy(options.allow),
    currentCaller: options.currentCaller === true,
    inTurn: (check) => void nextTurn().then(check),
    clock,
    log,
    metrics,
    tracePrincipals: options.tracePrincipals === true,
  };
}

/** Warns of a principal without an instance: no proof from another machine is bound to a name of its own. */
function warnIfNameless(keys: KeySource, warn: (text: string) => void): void {
  let held: ServiceKeys;
  try {
    held = keys();
  } catch {
    return; // A keytab that can't be used is told of by itself.
  }
  if (held.ofWholeRealm === true || namesHost(held.principal)) return;
  warn(
    `${held.principal} has no instance, and authorities is not given: every call from another machine is refused`,
  );
}

function requestTooLate(ms: number): RpcError {
  return new RpcError(
    grpc.status.DEADLINE_EXCEEDED,
    `the server ended the call: the request took longer than ${ms} ms`,
  );
}

function sessionTable(wanted: boolean | SessionOptions): SessionTable | undefined {
  if (typeof wanted === "boolean") return wanted ? new SessionTable() : undefined;
  checkOptionNames("guard: sessions", wanted, SESSION_OPTIONS);
  return new SessionTable(wanted);
}

function milliseconds(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${name}: expected whole milliseconds, got ${value}`);
}
